//! A stuck reader whose place retention took meanwhile.

use tonic::Code;
use tonic_types::StatusExt;
use wardwatch::domain::Time;
use wardwatch::store::{Store, Trim};
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;
use wardwatch::wire::pb::subscribe_response::Response;

use crate::feed::rig::{Hand, Reader, after, endpoint, narrow, raised, reason, since};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_a_stuck_reader_whose_place_is_gone_reads_what_was_on_its_way_and_is_told_where_the_log_begins() {
    for hand in Hand::each().await {
        let replica = hand.replica(narrow()).await;
        let inputs = |from: i64, to: i64| (from..to).map(|i| vec![raised("A1", i).padding(10_000)]).collect::<Vec<_>>();
        hand.append(&inputs(0, 100)).await;
        let small = endpoint(replica.address).initial_stream_window_size(65_535).initial_connection_window_size(65_535);
        let mut client = AlertServiceClient::new(small.connect().await.unwrap());
        let mut stuck = Reader::open(&mut client, since(Time::default())).await.unwrap();
        // A megabyte waits for it, and it has taken next to nothing of it when all but the last is trimmed.
        stuck.events().await;
        let newest = hand.append(&inputs(100, 101)).await.point.position;
        let time = hand.store.head().await.unwrap().log_time;
        hand.store.trim(&Trim { reports_before: time, events_before: time, limit: 1_000 }).await.unwrap();

        let mut had = usize::from(!stuck.cursor.is_empty());
        let status = loop {
            match stuck.message().await {
                Ok(Response::Events(events)) => had += events.events.len(),
                Ok(other) => panic!("{other:?}"),
                Err(status) => break status,
            }
        };
        assert!((1..50).contains(&had), "{had} events came: it was not stuck, or nothing was on its way");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::OutOfRange, "CURSOR_EXPIRED"));
        let info = status.get_error_details().error_info().unwrap().clone();
        let oldest = hex::decode(&info.metadata["oldest_cursor"]).unwrap();
        let mut again = Reader::open(&mut replica.client().await, after(&oldest)).await.unwrap();
        assert_eq!(again.positions(1).await, [newest], "from the oldest cursor the log goes on");
    }
}
