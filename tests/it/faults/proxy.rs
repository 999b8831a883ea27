//! A TCP proxy that misbehaves on demand, between the service and PostgreSQL.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Everything is carried.
    Open,
    /// Connections end with a reset, and so do new ones.
    Reset,
    /// Half open: connections stay, and nothing is carried any more, now or later. New ones are taken, and dead as well.
    Dead,
    /// As [`Self::Dead`] for those there are; new ones are carried.
    OldDead,
}

/// A proxy on an address of its own, in front of a server that may be replaced.
#[derive(Clone, Debug)]
pub struct Proxy {
    pub address: SocketAddr,
    way: Arc<watch::Sender<Way>>,
    to: Arc<watch::Sender<SocketAddr>>,
}

impl Proxy {
    pub async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy =
            Self { address, way: Arc::new(watch::Sender::new(Way::Open)), to: Arc::new(watch::Sender::new(to)) };
        let serving = proxy.clone();
        tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { continue };
                tokio::spawn(carry(client, *serving.to.borrow(), serving.way.subscribe()));
            }
        });
        proxy
    }

    /// The way is so from now on.
    pub fn set(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// New connections go to another server.
    pub fn lead_to(&self, to: SocketAddr) {
        self.to.send_replace(to);
    }

    /// The URL of a database behind it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}", self.address)
    }
}

async fn carry(mut client: TcpStream, to: SocketAddr, mut way: watch::Receiver<Way>) {
    let now = *way.borrow_and_update();
    match now {
        Way::Open | Way::OldDead => {}
        Way::Reset => return reset(&client),
        Way::Dead => return swallow(client, way).await,
    }
    let Ok(mut server) = TcpStream::connect(to).await else { return reset(&client) };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => return,
        _ = way.changed() => {}
    }
    let now = *way.borrow_and_update();
    match now {
        Way::Open => {}
        Way::Reset => {
            reset(&client);
            reset(&server);
        }
        // The server keeps its end too: it learns nothing either.
        Way::Dead | Way::OldDead => {
            swallow(client, way).await;
            drop(server);
        }
    }
}

/// Takes what comes and answers nothing, until connections are reset.
async fn swallow(client: TcpStream, mut way: watch::Receiver<Way>) {
    let (mut from, mut to) = client.into_split();
    let mut buffer = [0; 4_096];
    let swallowing = async {
        while from.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
        // Its end is closed; ours stays, as that of a machine that is gone would.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = swallowing => {}
        _ = async { way.wait_for(|way| *way == Way::Reset).await.is_ok() } => {
            let _ = to.shutdown().await;
        }
    }
}

fn reset(socket: &TcpStream) {
    let _ = socket.set_zero_linger();
}
