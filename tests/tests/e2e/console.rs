//! A second implementation of the console's format, for comparison with the real one.

use std::collections::HashMap;

use serde_json::Value;

/// The lines that the console prints for `events`, which begin with the first of the game.
pub fn console_of(events: &[Value]) -> Vec<String> {
    let mut labels = HashMap::new();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let got = |line: &str, from: &str| format!("        got `{line}` from {from}");
    let output = |event: &Value, from: &str| {
        let (line, refused) = (text(&event["line"]), event["refused"].as_str());
        match (refused, event["stream"].as_str().unwrap()) {
            (Some(code), _) => format!("        refused `{line}` from {from} ({code})"),
            (None, "stdout") => format!("        output `{line}` from {from}"),
            (None, stream) => format!("        {stream} `{line}` from {from}"),
        }
    };
    let lines = events.iter().filter_map(|event| match event["type"].as_str().unwrap() {
        "clock" => Some(format!("clock = {:04}s", event["clock"].as_u64().unwrap())),
        "started" => {
            labels.insert(format!("ps#{}", event["worker"]), text(&event["label"]));
            Some(format!(">>>>>>>> worker {}", text(&event["label"])))
        }
        "move" => {
            let from = text(&event["from"]);
            let from = labels.get(&from).unwrap_or(&from);
            Some(got(&format!("{} {}", text(&event["direction"]), text(&event["name"])), from))
        }
        "output" => Some(output(event, &labels[&format!("ps#{}", event["worker"])])),
        "exited" => {
            let how = match (&event["code"], &event["signal"]) {
                (code, Value::Null) => format!("exit code {code}"),
                (_, signal) => format!("exit signal {signal}"),
            };
            Some(format!(
                "<<<<<<<< worker {} - {how} - {} still running",
                text(&event["label"]),
                event["running"]
            ))
        }
        "bye" => Some(format!("{} - bye", text(&event["reason"]))),
        "joined" | "left" => None,
        other => panic!("unknown event type {other}"),
    });
    lines.collect()
}
