//! What one address may have of something that all share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The shares of addresses, each as large as the others'.
#[derive(Debug)]
pub(super) struct Shares {
    size: usize,
    addresses: Mutex<HashMap<IpAddr, Weak<Semaphore>>>,
}

/// A part of an address's share; given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    _of: (Arc<Semaphore>, OwnedSemaphorePermit),
}

impl Shares {
    pub fn new(size: usize) -> Self {
        Self { size, addresses: Mutex::default() }
    }

    /// A part, unless the address has all of its share.
    pub fn try_take(&self, address: IpAddr) -> Option<Share> {
        let own = self.of(address);
        let permit = Arc::clone(&own).try_acquire_owned().ok()?;
        Some(Share { _of: (own, permit) })
    }

    /// Waits for a part; `None` never happens, for shares are never closed.
    pub async fn take(&self, address: IpAddr) -> Option<Share> {
        let own = self.of(address);
        let permit = Arc::clone(&own).acquire_owned().await.ok()?;
        Some(Share { _of: (own, permit) })
    }

    fn of(&self, address: IpAddr) -> Arc<Semaphore> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = addresses.get(&address).and_then(Weak::upgrade) {
            return own;
        }
        // As many as there are connections at most.
        addresses.retain(|_, own| own.strong_count() > 0);
        let own = Arc::new(Semaphore::new(self.size));
        addresses.insert(address, Arc::downgrade(&own));
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_no_more_until_some_of_it_is_given_back() {
        let shares = Shares::new(2);
        let [one, other] = ["10.0.0.1", "10.0.0.2"].map(|ip| ip.parse().unwrap());
        let (first, second) = (shares.try_take(one), shares.try_take(one));
        assert!(first.is_some() && shares.try_take(one).is_none() && shares.try_take(other).is_some());
        drop(first);
        assert!(shares.try_take(one).is_some());
        drop(second);
        assert!(shares.try_take("10.0.0.3".parse().unwrap()).is_some());
        assert_eq!(shares.addresses.lock().unwrap().len(), 1, "nobody is remembered who is gone");
    }
}
