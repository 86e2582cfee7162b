//! The packets of MQTT 3.1.1 that the load sends.

/// Connects the client `name` with a clean session, and without keep-alive.
pub fn connect(name: &str) -> Vec<u8> {
    let body = [&string("MQTT")[..], &[4, 2, 0, 0], &string(name)].concat();
    packet(0x10, &body)
}

/// Subscribes to `topic`, at most once.
pub fn subscribe(topic: &str) -> Vec<u8> {
    const PACKET_ID: [u8; 2] = [0, 1];
    packet(0x82, &[&PACKET_ID, &string(topic)[..], &[0]].concat())
}

/// Publishes `message` to `topic`, at most once.
pub fn publish(topic: &str, message: &[u8]) -> Vec<u8> {
    packet(0x30, &[&string(topic)[..], message].concat())
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut length = body.len();
    while length > 127 {
        packet.push(u8::try_from(length % 128).unwrap_or(0) | 0x80);
        length /= 128;
    }
    packet.push(u8::try_from(length).unwrap_or(0));
    packet.extend_from_slice(body);
    packet
}

fn string(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(0).to_be_bytes();
    [&length[..], text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_have_their_length_in_groups_of_seven_bits() {
        // The example of the standard: 321 bytes are 65 + 2 × 128.
        let packet = publish("game", &[b'x'; 321 - 6]);
        assert_eq!(packet[..5], [0x30, 0xc1, 0x02, 0, 4]);
        assert_eq!(packet.len(), 3 + 321);
        assert_eq!(subscribe("game"), b"\x82\x09\x00\x01\x00\x04game\x00");
    }
}
