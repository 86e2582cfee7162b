use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::{
    failure::{Failure, FailureKind},
    plan::Plan,
};

/// Connects the client `number`, from its source address.
pub(super) async fn connect(plan: &Plan, number: u64) -> Result<TcpStream, Failure> {
    let socket = if plan.server.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if !plan.sources.is_empty() {
        let index = usize::try_from(number).unwrap_or(0) % plan.sources.len();
        socket.bind((plan.sources[index], 0).into())?;
    }
    let stream = timeout(plan.timeout, socket.connect(plan.server)).await.map_err(|_| {
        let limit = humantime::format_duration(plan.timeout);
        Failure::new(FailureKind::ConnectTimeout, format!("not connected within {limit}"))
    })??;
    stream.set_nodelay(true)?;
    Ok(stream)
}
