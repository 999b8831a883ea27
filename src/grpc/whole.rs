//! A request's body, read so that messages which do not come whole cost little: tonic keeps what is there of a message until
//! the rest has come, and a client may keep it waiting on as many streams as it may have.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tonic::Status;

use crate::grpc::edge::SLOWEST;
use crate::grpc::measured::Messages;
use crate::grpc::quota::UNFINISHED;
use crate::grpc::status::Problem;

/// Reads on in a message that has begun only if there is room for all of it, and only so long. Without room the call ends:
/// to leave it unread until there is some would fill the connection's window, and hold up whoever else is on it.
pub(super) struct Whole<B> {
    body: B,
    messages: Messages,
    /// Messages begun so far.
    begun: u64,
    /// Bytes that the caller's identity may have in such messages.
    room: Option<Arc<Semaphore>>,
    turn: Option<Turn>,
    /// A message must come whole within this.
    limit: Duration,
}

/// Of a message that has begun.
struct Turn {
    message: u64,
    _held: Option<OwnedSemaphorePermit>,
    limit: Pin<Box<Sleep>>,
}

/// A body that broke off, or may not go on.
pub(super) type Failure = Box<dyn Error + Send + Sync>;

impl<B> Whole<B> {
    /// The body of a request of somebody who has so much `room`.
    pub fn new(body: B, room: Option<Arc<Semaphore>>) -> Self {
        Self { body, messages: Messages::default(), begun: 0, room, turn: None, limit: SLOWEST }
    }

    /// Messages that have begun so far.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// Notes what came. What is held for a message is given back as soon as that is whole: the next may be long in coming.
    fn came(&mut self, data: &[u8]) {
        self.begun += self.messages.count(data);
        let (begun, unfinished) = (self.begun, self.messages.unfinished().is_some());
        self.turn.take_if(|turn| !unfinished || turn.message != begun);
    }

    /// Whether it may be read on.
    fn may_go_on(&mut self, cx: &mut Context<'_>) -> Result<(), Problem> {
        let Some(size) = self.messages.unfinished() else { return Ok(()) };
        if self.turn.is_none() {
            let held = self.room.clone().map(|room| hold(room, size)).transpose()?;
            self.turn = Some(Turn { message: self.begun, _held: held, limit: Box::pin(sleep(self.limit)) });
        }
        let late = self.turn.as_mut().is_some_and(|turn| turn.limit.as_mut().poll(cx).is_ready());
        if late { Err(Problem::TooSlow) } else { Ok(()) }
    }
}

fn hold(room: Arc<Semaphore>, size: usize) -> Result<OwnedSemaphorePermit, Problem> {
    // What is above the limit of a message is refused by tonic, which has seen its size by now.
    let bytes = u32::try_from(size.min(UNFINISHED)).unwrap_or(u32::MAX);
    room.try_acquire_many_owned(bytes).map_err(|_| Problem::TooMuchUnfinished(Duration::from_secs(1)))
}

impl<B: Body<Data = Bytes, Error: Into<Failure>> + Unpin> Body for Whole<B> {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = &mut *self;
        if let Err(problem) = this.may_go_on(cx) {
            return Poll::Ready(Some(Err(Status::from(problem).into())));
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if let Some(data) = frame.as_ref().and_then(|f| f.as_ref().ok()?.data_ref()) {
            this.came(data);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::poll_fn;

    use tokio::sync::mpsc;
    use tokio::time::{Instant, timeout};

    use super::*;

    /// A body whose pieces come when a test sends them.
    struct Pieces(mpsc::UnboundedReceiver<Bytes>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
        }
    }

    /// A body in the room given, and the way to send it pieces.
    fn body(room: Option<&Arc<Semaphore>>) -> (mpsc::UnboundedSender<Bytes>, Whole<Pieces>) {
        let (to, from) = mpsc::unbounded_channel();
        (to, Whole::new(Pieces(from), room.map(Arc::clone)))
    }

    async fn next(body: &mut Whole<Pieces>) -> Option<Result<usize, Failure>> {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        Some(frame.map(|frame| frame.data_ref().map_or(0, Bytes::len)))
    }

    /// Whether it waits although the next piece is there.
    async fn waits(body: &mut Whole<Pieces>) -> bool {
        timeout(Duration::from_millis(1), next(body)).await.is_err()
    }

    fn begun(size: u32, of_it: usize) -> Bytes {
        [&[0][..], &size.to_be_bytes(), &vec![7; of_it]].concat().into()
    }

    #[tokio::test]
    async fn a_message_that_has_begun_must_come_whole_in_time_and_none_need_begin() {
        let (to, mut body) = body(None);
        body.limit = Duration::from_millis(200);
        assert!(timeout(body.limit * 2, next(&mut body)).await.is_err(), "a quiet stream stays");
        // A piece now and then does not help.
        let (began, mut pieces) = (Instant::now(), 0);
        to.send(begun(1_000, 0)).unwrap();
        let end = loop {
            match timeout(Duration::from_millis(20), next(&mut body)).await {
                Ok(Some(Ok(_))) => pieces += 1,
                Ok(end) => break end.unwrap().unwrap_err(),
                Err(_) => to.send(Bytes::from_static(&[7])).unwrap(),
            }
        };
        assert!(began.elapsed() >= Duration::from_millis(200) && pieces > 0, "{pieces}");
        let status = end.downcast::<Status>().unwrap();
        assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
    }

    #[tokio::test]
    async fn messages_that_come_whole_are_not_timed_together() {
        let (to, mut body) = body(None);
        body.limit = Duration::from_secs(2);
        for _ in 0..3 {
            to.send(begun(2, 1)).unwrap();
            assert_eq!(next(&mut body).await.unwrap().unwrap(), 6);
            tokio::time::sleep(body.limit / 2).await;
            to.send(Bytes::from_static(&[7])).unwrap();
            assert_eq!(next(&mut body).await.unwrap().unwrap(), 1);
        }
        drop(to);
        assert!(next(&mut body).await.is_none());
    }

    #[tokio::test]
    async fn a_message_for_which_there_is_no_room_ends_its_call_and_one_that_is_whole_needs_none() {
        let room = Arc::new(Semaphore::new(100));
        let ((to, mut first), (to_other, mut other)) = (body(Some(&room)), body(Some(&room)));
        to.send(begun(60, 1)).unwrap();
        to_other.send(begun(60, 1)).unwrap();
        assert_eq!(next(&mut first).await.unwrap().unwrap(), 6);
        assert!(waits(&mut first).await, "for its rest");
        assert_eq!(next(&mut other).await.unwrap().unwrap(), 6, "a beginning is read, to know how large it is");
        let refused = next(&mut other).await.unwrap().unwrap_err().downcast::<Status>().unwrap();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        // The end of one message and the beginning of the next, in one piece.
        to.send([&[7; 59][..], &begun(70, 39)].concat().into()).unwrap();
        assert_eq!(next(&mut first).await.unwrap().unwrap(), 59 + 44);
        assert_eq!(room.available_permits(), 100, "the first is whole");
        assert!(waits(&mut first).await, "for its rest, in room of its own");
        assert_eq!(room.available_permits(), 30);
        to.send(Bytes::from(vec![7; 31])).unwrap();
        assert_eq!(next(&mut first).await.unwrap().unwrap(), 31);
        assert_eq!(room.available_permits(), 100, "although it is not read on");
    }

    #[tokio::test]
    async fn a_message_larger_than_the_room_has_all_of_it() {
        let room = Arc::new(Semaphore::new(UNFINISHED));
        let (to, mut body) = body(Some(&room));
        to.send(begun(u32::MAX, 1)).unwrap();
        assert_eq!(next(&mut body).await.unwrap().unwrap(), 6);
        to.send(Bytes::from_static(&[7])).unwrap();
        assert_eq!(next(&mut body).await.unwrap().unwrap(), 1);
        assert_eq!(room.available_permits(), 0);
    }
}
