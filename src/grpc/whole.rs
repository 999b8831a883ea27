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
use tokio_util::sync::PollSemaphore;
use tonic::Status;

use crate::grpc::edge::SLOWEST;
use crate::grpc::measured::Messages;
use crate::grpc::quota::UNFINISHED;
use crate::grpc::status::Problem;

/// Reads on in a message that has begun only when there is room for all of it, and only so long.
pub(super) struct Whole<B> {
    body: B,
    messages: Messages,
    /// Messages begun so far.
    begun: u64,
    /// Bytes that the caller's identity may have in such messages.
    room: Option<PollSemaphore>,
    turn: Option<Turn>,
    /// A message must come whole within this.
    limit: Duration,
}

/// Of a message that has begun.
struct Turn {
    message: u64,
    held: Option<OwnedSemaphorePermit>,
    limit: Pin<Box<Sleep>>,
}

type Failure = Box<dyn Error + Send + Sync>;

impl<B> Whole<B> {
    /// The body of a request of somebody who has so much `room`.
    pub fn new(body: B, room: Option<Arc<Semaphore>>) -> Self {
        let room = room.map(PollSemaphore::new);
        Self { body, messages: Messages::default(), begun: 0, room, turn: None, limit: SLOWEST }
    }

    /// Waits until there is room for the rest of the message that has begun, if one has.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        let Some(size) = self.messages.unfinished() else {
            self.turn = None;
            return Poll::Ready(Ok(()));
        };
        // What the message before had is free before this one asks, so that no two wait for each other.
        self.turn.take_if(|turn| turn.message != self.begun);
        let begun = || Turn { message: self.begun, held: None, limit: Box::pin(sleep(self.limit)) };
        let turn = self.turn.get_or_insert_with(begun);
        if turn.limit.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(Problem::TooSlow.into()));
        }
        if let (Some(room), None) = (&mut self.room, &turn.held) {
            // What is above the limit of a message is refused by tonic, which has seen its size by now.
            let bytes = u32::try_from(size.min(UNFINISHED)).unwrap_or(u32::MAX);
            turn.held = ready!(room.poll_acquire_many(cx, bytes));
        }
        Poll::Ready(Ok(()))
    }
}

impl<B: Body<Data = Bytes, Error: Into<Failure>> + Unpin> Body for Whole<B> {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = &mut *self;
        if let Err(status) = ready!(this.poll_room(cx)) {
            return Poll::Ready(Some(Err(status.into())));
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if let Some(data) = frame.as_ref().and_then(|f| f.as_ref().ok()?.data_ref()) {
            this.begun += this.messages.count(data);
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
    async fn unfinished_messages_beyond_the_room_wait_until_others_have_come_whole() {
        let room = Arc::new(Semaphore::new(100));
        let ((to, mut first), (to_other, mut other)) = (body(Some(&room)), body(Some(&room)));
        to.send(begun(60, 1)).unwrap();
        to_other.send(begun(60, 1)).unwrap();
        assert_eq!(next(&mut first).await.unwrap().unwrap(), 6);
        assert!(waits(&mut first).await, "for its rest");
        assert_eq!(next(&mut other).await.unwrap().unwrap(), 6, "a beginning is read, to know how large it is");
        to_other.send(Bytes::from(vec![7; 59])).unwrap();
        assert!(waits(&mut other).await, "for room");
        // The end of one message and the beginning of the next, in one piece.
        to.send([&[7; 59][..], &begun(40, 39)].concat().into()).unwrap();
        assert_eq!(next(&mut first).await.unwrap().unwrap(), 59 + 44);
        assert!(waits(&mut first).await, "for its rest, in room of its own");
        assert_eq!(next(&mut other).await.unwrap().unwrap(), 59);
        drop((first, other));
        assert_eq!(room.available_permits(), 100, "all is given back");
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
