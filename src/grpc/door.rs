//! Who has a connection. A place taken by somebody who was not let in yet is given to whoever comes, when there is none left:
//! those who may not call must not keep out those who may.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::grpc::shares::{Share, Shares};

/// How long whoever comes waits for somebody else's place: resetting a connection is quick.
const MAKING_ROOM: Duration = Duration::from_secs(1);

/// A connection, as far as it was let in.
#[derive(Debug, Default)]
pub struct Guest {
    called: AtomicBool,
    let_in: AtomicBool,
    out: CancellationToken,
}

/// The places for connections.
#[derive(Debug)]
pub(super) struct Door {
    room: Arc<Semaphore>,
    of_address: Arc<Shares>,
    strangers: Strangers,
}

/// A connection that may come in, once whoever must make room for it has gone.
#[derive(Debug)]
pub(super) struct Entrance {
    pub guest: Arc<Guest>,
    address: IpAddr,
    share: Option<Share>,
    place: Option<OwnedSemaphorePermit>,
    room: Arc<Semaphore>,
    of_address: Arc<Shares>,
}

/// A place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of: (Share, OwnedSemaphorePermit),
}

/// Connections of which no call was let in, those that came first in front.
#[derive(Debug, Default)]
struct Strangers(VecDeque<(IpAddr, Weak<Guest>)>);

impl Guest {
    /// It asked the health service, which asks nobody who they are.
    pub fn mark_asked(&self) {
        self.called.store(true, Ordering::Relaxed);
    }
    /// A call of it was let in.
    pub fn mark_let_in(&self) {
        self.let_in.store(true, Ordering::Relaxed);
        self.mark_asked();
    }
    /// Whether it called anything.
    pub(super) fn called(&self) -> bool {
        self.called.load(Ordering::Relaxed)
    }
    /// Returns when it must make room.
    pub(super) async fn must_go(&self) {
        self.out.cancelled().await;
    }
}

impl Door {
    /// Room for so many connections, and so many of one address.
    pub fn new(connections: usize, of_address: usize) -> Self {
        let of_address = Arc::new(Shares::new(of_address));
        Self { room: Arc::new(Semaphore::new(connections)), of_address, strangers: Strangers::default() }
    }

    /// Lets one more in; none: there is no place, and nobody who could be asked to make one.
    pub fn admit(&mut self, address: IpAddr) -> Option<Entrance> {
        let (share, place) = (self.of_address.try_take(address), Arc::clone(&self.room).try_acquire_owned().ok());
        let made = match (&share, &place) {
            (Some(_), Some(_)) => true,
            (None, _) => self.strangers.show_out(|of| of == address),
            (_, None) => self.strangers.show_out(|_| true),
        };
        if !made {
            return None;
        }
        let guest = Arc::new(Guest::default());
        self.strangers.add(address, &guest);
        let (room, of_address) = (Arc::clone(&self.room), Arc::clone(&self.of_address));
        Some(Entrance { guest, address, share, place, room, of_address })
    }
}

impl Entrance {
    /// The place, as soon as it is free; none: it was not in time.
    pub async fn enter(self) -> Option<Place> {
        let Self { address, share, place, room, of_address, .. } = self;
        let both = async {
            let share = if share.is_some() { share } else { of_address.take(address).await };
            let place = if place.is_some() { place } else { room.acquire_owned().await.ok() };
            share.zip(place)
        };
        timeout(MAKING_ROOM, both).await.ok().flatten().map(|of| Place { _of: of })
    }
}

impl Strangers {
    fn add(&mut self, address: IpAddr, guest: &Arc<Guest>) {
        // Once in so many, so that those who have gone or are known cost nothing that counts.
        if self.0.len() == self.0.capacity() {
            self.0.retain(|(_, guest)| is_stranger(guest).is_some());
        }
        self.0.push_back((address, Arc::downgrade(guest)));
    }

    /// Asks the first that came, of such an address, to go; whether there was one.
    fn show_out(&mut self, of: impl Fn(IpAddr) -> bool) -> bool {
        self.0.retain(|(_, guest)| is_stranger(guest).is_some());
        let first = self.0.iter().position(|(address, _)| of(*address));
        let guest = first.and_then(|n| self.0.remove(n)).and_then(|(_, guest)| guest.upgrade());
        guest.inspect(|guest| guest.out.cancel()).is_some()
    }
}

fn is_stranger(guest: &Weak<Guest>) -> Option<Arc<Guest>> {
    guest.upgrade().filter(|guest| !guest.let_in.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn address(n: u8) -> IpAddr {
        [10, 0, 0, n].into()
    }

    fn gone(guest: &Guest) -> bool {
        guest.must_go().now_or_never().is_some()
    }

    #[tokio::test]
    async fn whoever_comes_takes_the_place_of_the_stranger_who_came_first() {
        let mut door = Door::new(3, 3);
        let mut inside = Vec::new();
        for n in 1..=3 {
            let entrance = door.admit(address(n)).unwrap();
            inside.push((Arc::clone(&entrance.guest), entrance.enter().await.unwrap()));
        }
        inside[0].0.mark_let_in();
        inside[1].0.mark_asked();
        let fourth = door.admit(address(4)).unwrap();
        assert_eq!([0, 1, 2].map(|n| gone(&inside[n].0)), [false, true, false], "health questions let nobody in");
        let entering = tokio::spawn(fourth.enter());
        drop(inside.remove(1));
        assert!(entering.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn those_who_were_let_in_make_room_for_nobody() {
        let mut door = Door::new(2, 2);
        let mut inside = Vec::new();
        for _ in 0..2 {
            let entrance = door.admit(address(1)).unwrap();
            entrance.guest.mark_let_in();
            inside.push((Arc::clone(&entrance.guest), entrance.enter().await.unwrap()));
        }
        assert!(door.admit(address(2)).is_none());
        assert!(inside.iter().all(|(guest, _)| !gone(guest)));
        inside.clear();
        assert!(door.admit(address(2)).is_some());
    }

    #[tokio::test]
    async fn a_share_that_is_full_is_made_room_in_by_its_own_strangers_only() {
        let mut door = Door::new(10, 1);
        let [one, other] = [1, 2].map(|n| door.admit(address(n)).unwrap());
        let (first, second) = (Arc::clone(&one.guest), Arc::clone(&other.guest));
        let places = (one.enter().await, other.enter().await);
        let third = door.admit(address(2)).unwrap();
        assert!(!gone(&first) && gone(&second));
        // Whoever was asked to go stays: the other does not come in.
        assert!(third.enter().await.is_none());
        drop(places);
    }

    #[tokio::test]
    async fn those_who_have_gone_are_not_remembered() {
        let mut door = Door::new(2, 2);
        for _ in 0..1_000 {
            drop(door.admit(address(1)).unwrap());
        }
        assert!(door.strangers.0.len() < 10, "{}", door.strangers.0.len());
    }
}
