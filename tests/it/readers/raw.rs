//! HTTP/2 by hand: a client that does what it is told and nothing else, so that it can be as bad as a test wants, and so
//! small that ten thousand subscribers fit into one test.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use wardwatch::feed::cursor;
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{SubscribeRequest, SubscribeResponse};

use crate::support::service::within;

/// How it behaves.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// Bytes that may be sent on a stream before it grants more.
    pub window: u32,
    /// It grants what it has read.
    pub grants: bool,
    /// It answers pings.
    pub answers: bool,
    /// Its socket holds next to nothing for it.
    pub narrow: bool,
}

/// One connection.
#[derive(Debug)]
pub struct Raw {
    socket: TcpStream,
    manners: Manners,
    input: BytesMut,
    output: BytesMut,
    next: u32,
    heard: VecDeque<Heard>,
    /// Open streams by id.
    pub streams: HashMap<u32, Subscribed>,
}

/// A subscription, as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct Subscribed {
    bytes: BytesMut,
    /// Position of the last event it had, or that it begins after; `None` until it is known.
    pub last: Option<i64>,
    /// The cursor to resume after.
    pub cursor: Bytes,
    /// It was told that it is open.
    pub opened: bool,
    /// Bytes that were read and not granted back.
    owed: u32,
}

/// What a connection says.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// A message on a stream.
    Message(u32, Response),
    /// A stream has ended with its trailers.
    Ended(u32),
    /// A stream was cut, with this code.
    Reset(u32, u32),
    /// The connection is given up, with this code.
    GoAway(u32),
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
/// END_STREAM of DATA and HEADERS, ACK of SETTINGS and PING.
const END_OR_ACK: u8 = 1;
const END_HEADERS: u8 = 4;
/// HTTP/2's CANCEL.
pub const CANCEL: u32 = 8;
/// What a connection may be sent at first (RFC 9113 section 6.9.2).
const FIRST_WINDOW: u32 = 65_535;
/// The widest window there is.
pub const WIDE: u32 = (1 << 31) - 1;

/// A subscriber as good as any.
pub const GOOD: Manners = Manners { window: 1 << 20, grants: true, answers: true, narrow: false };

impl Raw {
    /// Connects and says hello.
    pub async fn connect(address: SocketAddr, manners: Manners) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        if manners.narrow {
            socket.set_recv_buffer_size(4_096).unwrap();
        }
        socket.set_nonblocking(true).unwrap();
        let socket = within(TcpSocket::from_std_stream(socket.into()).connect(address)).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (input, output) = (BytesMut::new(), BytesMut::from(&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..]));
        let (heard, streams) = (VecDeque::new(), HashMap::new());
        let mut raw = Self { socket, manners, input, output, next: 1, heard, streams };
        // SETTINGS_INITIAL_WINDOW_SIZE; and the connection itself never holds a stream back.
        let mut settings = vec![0, 4];
        settings.put_u32(manners.window);
        raw.put(SETTINGS, 0, 0, &settings);
        raw.put(WINDOW_UPDATE, 0, 0, &(WIDE - FIRST_WINDOW).to_be_bytes());
        raw
    }
    fn put(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.output.put_uint(payload.len() as u64, 3);
        self.output.put_u8(kind);
        self.output.put_u8(flags);
        self.output.put_u32(stream);
        self.output.put_slice(payload);
    }
    /// Asks for a subscription, of one that had every event up to `last`; nothing goes out before [`Self::flush`].
    pub fn resume(&mut self, request: &SubscribeRequest, last: Option<i64>) -> u32 {
        let (id, length) = (self.next, request.encoded_len());
        self.next += 2;
        self.put(HEADERS, END_HEADERS, id, &headers("/wardwatch.v1.AlertService/Subscribe"));
        let mut body = vec![0];
        body.put_u32(u32::try_from(length).unwrap());
        request.encode(&mut body).unwrap();
        self.put(DATA, END_OR_ACK, id, &body);
        self.streams.insert(id, Subscribed { last, ..Subscribed::default() });
        id
    }
    /// Asks for a subscription.
    pub fn subscribe(&mut self, request: &SubscribeRequest) -> u32 {
        self.resume(request, None)
    }
    /// Gives a stream up.
    pub fn reset(&mut self, stream: u32) {
        self.streams.remove(&stream);
        self.put(RST_STREAM, 0, stream, &CANCEL.to_be_bytes());
    }
    /// Sends what is to be sent; false when the connection is gone.
    pub async fn flush(&mut self) -> bool {
        let output = self.output.split();
        within(self.socket.write_all(&output)).await.is_ok()
    }
    /// Returns when its socket was cut from the other side; reads nothing.
    pub async fn cut(&mut self) {
        let cut = async {
            while self.flush().await {
                self.put(PING, 0, 0, &[0; 8]);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        within(cut).await;
    }
    /// Returns when something lies in its socket unread.
    pub async fn sent_something(&self) {
        within(self.socket.peek(&mut [0])).await.unwrap();
    }
    /// From here on it grants what it reads, and what it owes.
    pub fn reform(&mut self) {
        self.manners.grants = true;
        let owed: Vec<_> = self.streams.iter_mut().map(|(id, s)| (*id, std::mem::take(&mut s.owed))).collect();
        // Beside what it owes a good window, unless it has the widest.
        let more = if self.manners.window == WIDE { 0 } else { GOOD.window };
        for (id, owed) in owed.into_iter().filter(|(_, owed)| owed + more > 0) {
            self.put(WINDOW_UPDATE, 0, id, &(owed + more).to_be_bytes());
        }
    }
    /// What comes next; `None` when the connection is over.
    pub async fn hear(&mut self) -> Option<Heard> {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return Some(heard);
            }
            while self.take_frame() {}
            if !self.output.is_empty() && !self.flush().await {
                return None;
            }
            if self.heard.is_empty() && self.socket.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }
    fn take_frame(&mut self) -> bool {
        let Some(header) = self.input.first_chunk::<9>() else { return false };
        let length = usize::from(header[0]) << 16 | usize::from(header[1]) << 8 | usize::from(header[2]);
        let (kind, flags) = (header[3], header[4]);
        let stream = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
        if self.input.len() < 9 + length {
            return false;
        }
        self.input.advance(9);
        let payload = self.input.split_to(length);
        let number = |at: usize| payload.get(at..at + 4).map_or(0, |mut b| b.get_u32());
        match kind {
            DATA => self.take_data(stream, &payload),
            SETTINGS if flags & END_OR_ACK == 0 => self.put(SETTINGS, END_OR_ACK, 0, &[]),
            PING if flags & END_OR_ACK == 0 && self.manners.answers => self.put(PING, END_OR_ACK, 0, &payload),
            RST_STREAM => self.end(stream, Heard::Reset(stream, number(0))),
            GOAWAY => self.heard.push_back(Heard::GoAway(number(4))),
            _ => {}
        }
        if matches!(kind, DATA | HEADERS) && flags & END_OR_ACK != 0 {
            self.end(stream, Heard::Ended(stream));
        }
        true
    }
    fn end(&mut self, stream: u32, how: Heard) {
        if self.streams.remove(&stream).is_some() {
            self.heard.push_back(how);
        }
    }
    fn take_data(&mut self, id: u32, payload: &[u8]) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.bytes.put_slice(payload);
        stream.owed += u32::try_from(payload.len()).unwrap();
        // A message is a flag, its length and its bytes.
        while let Some(head) = stream.bytes.first_chunk::<5>() {
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            if stream.bytes.len() < 5 + length {
                break;
            }
            stream.bytes.advance(5);
            let message = SubscribeResponse::decode(stream.bytes.split_to(length).freeze()).unwrap();
            stream.heard(&message);
            self.heard.push_back(Heard::Message(id, message.response.expect("every message says something")));
        }
        if self.manners.grants && stream.owed > self.manners.window / 2 {
            let owed = std::mem::take(&mut stream.owed).to_be_bytes();
            self.put(WINDOW_UPDATE, 0, id, &owed);
        }
        if self.manners.grants && !payload.is_empty() {
            self.put(WINDOW_UPDATE, 0, 0, &u32::try_from(payload.len()).unwrap().to_be_bytes());
        }
    }
    /// Reads until every stream was told that it is open.
    pub async fn opened(&mut self) {
        while !self.streams.values().all(|s| s.opened) {
            self.hear_on().await;
        }
    }
    /// Reads until every stream has been sent all that its window allows.
    pub async fn spent(&mut self) {
        while !self.streams.values().all(|s| s.owed >= self.manners.window) {
            if !self.take_frame() {
                assert!(self.flush().await);
                assert_ne!(within(self.socket.read_buf(&mut self.input)).await.unwrap(), 0, "the connection goes on");
            }
        }
    }
    /// Reads until every stream has had every event up to `position`.
    pub async fn follow(&mut self, position: i64) {
        while !self.have(position) {
            self.hear_on().await;
        }
    }
    /// Whether every stream has had every event up to `position`.
    pub fn have(&self, position: i64) -> bool {
        self.streams.values().all(|s| s.opened && s.last >= Some(position))
    }
    async fn hear_on(&mut self) {
        let heard = within(self.hear()).await.expect("the connection goes on");
        assert!(matches!(heard, Heard::Message(..)), "{heard:?}");
    }
}

impl Subscribed {
    /// Every event follows the one before it (P1, P2, P3: these subscribers want everything).
    fn heard(&mut self, message: &SubscribeResponse) {
        if !message.cursor.is_empty() {
            self.cursor = message.cursor.clone();
        }
        if !self.opened {
            let at = cursor::decode(&self.cursor).map(|(_, point)| point.position);
            assert!(self.last.is_none() || self.last == at, "it begins after {at:?} and not after {:?}", self.last);
            (self.opened, self.last) = (true, at);
        }
        let Some(Response::Events(events)) = &message.response else { return };
        for event in &events.events {
            assert_eq!(Some(event.position - 1), self.last, "a gap, a double or a disorder");
            self.last = Some(event.position);
        }
    }
}

/// The header block of a gRPC call: nothing indexed, nothing compressed (RFC 7541).
fn headers(path: &str) -> Vec<u8> {
    // POST, http, then literals: the path (4) and the content type (31) by the names of the static table.
    let mut block = vec![0x83, 0x86];
    let literal = |block: &mut Vec<u8>, name: &[u8], value: &str| {
        block.put_slice(name);
        block.put_u8(u8::try_from(value.len()).unwrap());
        block.put_slice(value.as_bytes());
    };
    literal(&mut block, &[0x04], path);
    literal(&mut block, &[0x01], "wardwatch");
    literal(&mut block, &[0x0f, 0x10], "application/grpc");
    literal(&mut block, b"\x00\x02te", "trailers");
    block
}
