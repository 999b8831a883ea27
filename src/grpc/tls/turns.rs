//! How many handshakes are under way at a time, in all and from one address.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::grpc::shares::{Share, Shares};

/// Turns to give. One address has at most half of them, so that one who begins handshakes and does not end them holds up those
/// at its own address, and nobody else.
#[derive(Debug)]
pub(super) struct Turns {
    all: Arc<Semaphore>,
    shares: Shares,
}

/// A turn; over when dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _own: Share,
    _all: OwnedSemaphorePermit,
}

impl Turns {
    pub fn new(all: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), shares: Shares::new(all.div_ceil(2)) }
    }

    /// Waits for a turn; `None` never happens, for the turns are never closed.
    pub async fn take(&self, address: IpAddr) -> Option<Turn> {
        // The address's own first: who waits for that keeps nothing from others.
        let own = self.shares.take(address).await?;
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Turn { _own: own, _all: all })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn one_address_has_half_of_the_turns_and_the_others_have_the_rest() {
        let turns = Turns::new(4);
        let take = |host: u8| turns.take(IpAddr::from([10, 0, 0, host])).now_or_never().flatten();
        let greedy = [take(1), take(1)];
        assert!(greedy.iter().all(Option::is_some) && take(1).is_none(), "half are its own");
        let others = [take(2), take(3)];
        assert!(others.iter().all(Option::is_some));
        assert!(take(4).is_none(), "all are taken");
        drop(greedy);
        assert!(take(4).is_some() && take(1).is_some(), "and given back");
        drop(others);
        assert!(take(1).is_some());
    }
}
