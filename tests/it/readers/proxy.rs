//! A TCP proxy that lets bytes through, lets them drip, or stands still and keeps the server's side open whatever the
//! client does.

use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// What it does with bytes from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Lets them through.
    Open,
    /// Takes one a second.
    Drip,
    /// Takes none. Nothing goes to the server either, not even that the client has left.
    Still,
}

/// A proxy of one connection.
#[derive(Debug)]
pub struct Proxy {
    pub address: SocketAddr,
    pub flow: watch::Sender<Flow>,
    /// Bytes taken from the server.
    pub taken: watch::Receiver<usize>,
}

impl Proxy {
    /// Takes one connection to `server`.
    pub async fn to(server: SocketAddr, flow: Flow) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (flow, changes) = watch::channel(flow);
        let (count, taken) = watch::channel(0);
        tokio::spawn(async move {
            let (client, _) = listener.accept().await.unwrap();
            carry(client, narrow_socket(server).await, changes, count).await;
        });
        Self { address, flow, taken }
    }
}

/// A socket that holds little for a reader that does not come.
async fn narrow_socket(server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.set_nonblocking(true).unwrap();
    TcpSocket::from_std_stream(socket.into()).connect(server).await.unwrap()
}

async fn carry(client: TcpStream, server: TcpStream, mut flow: watch::Receiver<Flow>, count: watch::Sender<usize>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut outward = flow.clone();
    let up = async {
        tokio::io::copy(&mut from_client, &mut to_server).await?;
        outward.wait_for(|flow| *flow != Flow::Still).await.map(drop).map_err(std::io::Error::other)
    };
    let down = async {
        let mut buffer = vec![0; 65_536];
        loop {
            let now = *flow.wait_for(|flow| *flow != Flow::Still).await.map_err(std::io::Error::other)?;
            let most = if now == Flow::Drip { 1 } else { buffer.len() };
            let n = from_server.read(&mut buffer[..most]).await?;
            if n == 0 {
                return Ok(());
            }
            count.send_modify(|taken| *taken += n);
            to_client.write_all(&buffer[..n]).await?;
            if now == Flow::Drip {
                // A byte a second, until it does better.
                let _ = timeout(Duration::from_secs(1), flow.wait_for(|flow| *flow != Flow::Drip)).await;
            }
        }
    };
    let _: std::io::Result<()> = tokio::select! { r = up => r, r = down => r };
}
