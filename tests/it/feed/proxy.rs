//! A TCP proxy that can stop reading from the server, as a half-dead reader does.

use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

/// Takes one connection to `server`; reads from the server while `reading` says so.
pub async fn proxy(server: SocketAddr, reading: watch::Receiver<bool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let server = narrow_socket(server).await;
        carry(client, server, reading).await;
    });
    address
}

/// A socket that holds little for a reader that does not come.
async fn narrow_socket(server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.set_nonblocking(true).unwrap();
    TcpSocket::from_std_stream(socket.into()).connect(server).await.unwrap()
}

async fn carry(client: TcpStream, server: TcpStream, mut reading: watch::Receiver<bool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async { tokio::io::copy(&mut from_client, &mut to_server).await.map(drop) };
    let down = async {
        let mut buffer = [0; 4_096];
        loop {
            reading.wait_for(|reading| *reading).await.map_err(std::io::Error::other)?;
            match from_server.read(&mut buffer).await? {
                0 => return Ok(()),
                n => to_client.write_all(&buffer[..n]).await?,
            }
        }
    };
    let _: std::io::Result<()> = tokio::select! { r = up => r, r = down => r };
}
