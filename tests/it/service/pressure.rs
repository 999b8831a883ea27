//! Storage that is slow or away: streams are held back, nothing is receipted, and nothing is lost when it returns.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tonic::{Code, Request, Status};
use wardwatch::clock::SystemClock;
use wardwatch::domain::Span;
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{self, ReceiptOutcome, StaffingReport};

use crate::support::hospital::{clock, figures, morning, outcomes, reason, ward};
use crate::support::service::{Place, ReportStream, Service, eventually, on_both_stores, within};

/// Report `n`, each ward at 7 patients per nurse.
fn quiet(n: usize) -> StaffingReport {
    let at = morning() - Span::minutes(30) + Span::millis(i64::try_from(n).unwrap());
    figures(&ward(1 + n % 20), at, 14, 2)
}

/// Submits one report with a deadline, as a caller in a hurry does. The answer comes at nine tenths of it: what is left
/// must do for a busy machine.
async fn hurried(service: &Service, report: StaffingReport) -> Result<Vec<pb::ReportReceipt>, Status> {
    let mut request = Request::new(pb::SubmitReportsRequest { reports: vec![report], validate_only: false });
    request.set_timeout(Duration::from_secs(5));
    Ok(within(service.reporting().submit_reports(request)).await?.into_inner().receipts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_a_stream_is_held_back_while_storage_stands_still_and_loses_nothing() {
    const MESSAGES: usize = 80;
    const SIZE: usize = 500;
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(22).await;
        service.settled().await;
        let blocked = place.block().await;
        let mut flood = ReportStream::open(service.another_connection().await).await;
        let handed_over = Arc::new(AtomicUsize::new(0));
        let sender = flood.sender();
        let (count, to) = (Arc::clone(&handed_over), sender.clone());
        let sending = tokio::spawn(async move {
            for n in 0..MESSAGES {
                let reports = (n * SIZE..(n + 1) * SIZE).map(quiet).collect();
                to.send(pb::StreamReportsRequest { reports }).await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        // Another stream, on another connection, has a little to say.
        let mut modest = ReportStream::open(service.another_connection().await).await;
        modest.send(vec![figures(&ward(21), morning(), 14, 2)]).await;
        // A caller who cannot wait is told so, before its deadline.
        let refused = figures(&ward(22), morning(), 14, 2);
        let status = hurried(&service, refused.clone()).await.unwrap_err();
        let expected = "storage is unavailable: try again";
        assert_eq!((status.code(), status.message()), (Code::Unavailable, expected));
        assert_eq!(reason(&status), "STORAGE_UNAVAILABLE");
        // Meanwhile the flood has long been held back; unread it would have been handed over in a moment.
        let so_far = handed_over.load(Ordering::SeqCst);
        assert!(so_far < MESSAGES, "{so_far} messages of {SIZE} reports were taken with no receipt");
        assert_eq!(place.number("SELECT count(*) FROM report").await, 0);

        blocked.release().await;
        assert_eq!(outcomes(&modest.receipts(1).await), [ReceiptOutcome::Accepted]);
        let receipts = flood.receipts(MESSAGES * SIZE).await;
        assert!(outcomes(&receipts).iter().all(|o| *o == ReceiptOutcome::Accepted));
        within(sending).await.unwrap();
        // Sent again, the refused one counts once, whether or not it had got through.
        let again = hurried(&service, refused).await.unwrap();
        assert!(matches!(outcomes(&again)[..], [ReceiptOutcome::Accepted | ReceiptOutcome::Duplicate]), "{again:?}");
        let stored = i64::try_from(MESSAGES * SIZE + 2).unwrap();
        assert_eq!(place.number("SELECT count(*) FROM report").await, stored);
        drop((sender, flood, modest));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_nothing_is_receipted_while_storage_is_away_and_streams_go_on_when_it_returns() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(21).await;
        let request = pb::SubscribeRequest::default();
        let mut alerts = within(service.alerts().subscribe(request)).await.unwrap().into_inner();
        assert!(matches!(within(alerts.message()).await.unwrap().unwrap().response, Some(Response::Opened(_))));
        let mut stream = service.stream().await;
        stream.send(vec![quiet(0)]).await;
        stream.receipts(1).await;

        let away = place.take_away().await;
        stream.send((1..200).map(quiet).collect()).await;
        let over = figures(&ward(1), morning(), 20, 2);
        stream.send(vec![over.clone()]).await;
        let status = hurried(&service, figures(&ward(21), morning(), 14, 2)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (Code::Unavailable, "STORAGE_UNAVAILABLE".to_owned()));

        away.bring_back().await;
        let receipts = stream.receipts(200).await;
        assert!(outcomes(&receipts).iter().all(|o| *o == ReceiptOutcome::Accepted));
        assert_eq!(receipts[199].report_id, over.report_id);
        // The subscriber never noticed.
        let events = loop {
            match within(alerts.message()).await.unwrap().unwrap().response {
                Some(Response::Events(events)) => break events.events,
                Some(Response::Heartbeat(_)) => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(events[0].alert.as_ref().unwrap().ward, ward(1));
        drop((stream, alerts));
        service.stop().await;
    })
    .await;
}

/// On SQLite the service's clock is the system's; on PostgreSQL all replicas go by the database's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_go_by_the_databases_clock_and_a_single_process_by_the_systems() {
    #[derive(Debug, Default)]
    struct Watched(SystemClock, AtomicUsize);
    impl wardwatch::domain::Clock for Watched {
        fn now(&self) -> wardwatch::domain::Time {
            self.0.now()
        }
    }
    #[tonic::async_trait]
    impl wardwatch::clock::Sleep for Watched {
        async fn sleep_until(&self, until: wardwatch::domain::Time) {
            self.0.sleep_until(until).await;
        }
        fn follow(&self, _: wardwatch::domain::Time) {
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    on_both_stores(async |place| {
        let clock = Arc::new(Watched::default());
        let shared: wardwatch::clock::SharedClock = clock.clone();
        let service = place.serve_with(shared, |_| ()).await;
        service.register_many(1).await;
        // The head row was read again and again by the time the subscriber is sent what another one wrote.
        for n in 1..=5 {
            let request = pb::SubscribeRequest::default();
            let mut alerts = within(service.alerts().subscribe(request)).await.unwrap().into_inner();
            within(alerts.message()).await.unwrap();
            let now = wardwatch::domain::Clock::now(&*clock);
            service.report(figures(&ward(1), now, if n % 2 == 0 { 30 } else { 20 }, 2)).await;
            within(alerts.message()).await.unwrap();
        }
        match place {
            Place::Sqlite(_) => assert_eq!(clock.1.load(Ordering::SeqCst), 0),
            Place::Postgres(_) => {
                eventually("it follows", async || clock.1.load(Ordering::SeqCst) > 2).await;
            }
        }
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d1_storage_that_stands_still_does_not_keep_the_service_from_ending() {
    on_both_stores(async |place| {
        let limit = Duration::from_secs(1);
        let service = place.serve_with(clock(), |s| s.streams.drain_limit = limit).await;
        service.register_many(1).await;
        service.settled().await;
        let blocked = place.block().await;
        let mut stream = service.stream().await;
        stream.send(vec![quiet(0)]).await;
        let Err(_) = hurried(&service, quiet(20)).await else { panic!("storage stands still") };
        let began = std::time::Instant::now();
        service.stop().await;
        assert!(began.elapsed() < limit + Duration::from_secs(4), "{:?}", began.elapsed());
        assert!(stream.message().await.is_err(), "what has no receipt is sent again");
        blocked.release().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_reports_ends_at_its_greatest_age_with_all_its_receipts() {
    on_both_stores(async |place| {
        let service = place.serve_with(clock(), |s| s.streams.max_age = Duration::from_millis(1_500)).await;
        service.register_many(20).await;
        let mut sent = 0;
        // Clients that come back for ever: what has no receipt is sent again.
        for _ in 0..3 {
            let stream = service.stream().await;
            let (to, from) = (stream.sender(), sent);
            // There is always more under way, also when the age comes: sending ends when the stream does.
            let sending = tokio::spawn(async move {
                let mut next = from;
                loop {
                    let reports = (next..next + 100).map(quiet).collect();
                    if to.send(pb::StreamReportsRequest { reports }).await.is_err() {
                        break;
                    }
                    next += 100;
                }
            });
            let (receipts, end) = stream.rest_open().await;
            within(sending).await.unwrap();
            let end = end.expect("it ends by its age, not by the client");
            assert_eq!((end.code(), reason(&end)), (Code::Unavailable, "STREAM_AGE".to_owned()));
            assert!(outcomes(&receipts).iter().all(|o| *o == ReceiptOutcome::Accepted));
            sent = from + receipts.len();
            assert_eq!(place.number("SELECT count(*) FROM report").await, i64::try_from(sent).unwrap());
        }
        service.stop().await;
    })
    .await;
}
