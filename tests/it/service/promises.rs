//! The promises about reports and time (contract.md section 2), each on both stores.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use wardwatch::clock::{ManualClock, SystemClock};
use wardwatch::domain::{Clock, Span, Time};
use wardwatch::wire::pb::{self, StaffingReport};
use wardwatch::wire::pb::{AlertCondition, AlertEventType, CauseKind, ReceiptOutcome, Resolution, Severity};

use crate::support::hospital::{adult, beds, clock, figures, morning, nurses, outcomes, pass, report, told, ward};
use crate::support::process::Process;
use crate::support::service::{Place, ReportStream, Service, eventually, on_both_stores, within};

/// What time does is published so long after it at the latest, by the service's clock.
pub(super) const LATEST: Span = Span::seconds(2);

/// Two services over one database; a SQLite file has one process, so there it is twice the same.
pub(super) async fn two(place: &Place, clock: &Arc<ManualClock>) -> [Arc<Service>; 2] {
    let first = Arc::new(place.serve_by(clock).await);
    let second = match place {
        Place::Sqlite(_) => Arc::clone(&first),
        Place::Postgres(_) => Arc::new(place.serve_by(clock).await),
    };
    [first, second]
}

fn now() -> Time {
    SystemClock::default().now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_what_was_receipted_before_a_power_cut_is_there_afterwards_and_its_alert_is_open() {
    on_both_stores(async |place| {
        let before = Process::serve(&place.url(), &[]);
        let mut register = pb::register_service_client::RegisterServiceClient::new(before.channel().await);
        let wards = (1..=20).map(|n| adult(&ward(n))).collect();
        within(register.upsert_wards(pb::UpsertWardsRequest { wards, validate_only: false })).await.unwrap();
        let mut stream = ReportStream::open(before.channel().await).await;
        let now = now();
        let mut receipted = Vec::new();
        let mut sent = 0;
        // Every ward goes over the limit with its first report; then more of the same, in messages of all sizes.
        while receipted.len() < 300 {
            let size = 1 + sent % 50;
            let message: Vec<_> = (sent..sent + size).map(|n| at_work(n, now)).collect();
            sent += size;
            assert!(stream.send(message).await);
            receipted.extend(stream.message().await.unwrap().unwrap());
        }
        // These are under way when the power goes: some may be receipted, some not.
        stream.send((sent..sent + 500).map(|n| at_work(n, now)).collect()).await;
        before.kill().await;
        receipted.extend(stream.rest().await.0);

        let after = Process::serve(&place.url(), &[]);
        let mut reporting = pb::reporting_service_client::ReportingServiceClient::new(after.channel().await);
        for receipt in &receipted {
            assert_eq!(receipt.outcome(), ReceiptOutcome::Accepted);
            let request = pb::GetReportRequest { name: receipt.name.clone() };
            within(reporting.get_report(request)).await.unwrap();
        }
        let raised: HashSet<_> = receipted.iter().flat_map(|r| r.changed_alerts.clone()).collect();
        assert_eq!(raised.len(), 20, "each ward's breach");
        let mut alerts = pb::alert_service_client::AlertServiceClient::new(after.channel().await);
        let open = within(alerts.list_alerts(pb::ListAlertsRequest::default())).await.unwrap().into_inner().alerts;
        assert_eq!(open.into_iter().map(|a| a.name).collect::<HashSet<_>>(), raised);
    })
    .await;
}

/// Report `n` of a morning on which every one of 20 wards is at 10 patients per nurse.
fn at_work(n: usize, now: Time) -> StaffingReport {
    let at = now - Span::minutes(30) + Span::millis(i64::try_from(n).unwrap());
    figures(&ward(1 + n % 20), at, 20, 2)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_every_report_good_or_bad_has_one_receipt_in_its_place() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(7).await;
        let mut stream = service.stream().await;
        let mut n = 0;
        for size in [1, 1, 2, 3, 50, 1, 999, 1_000, 0, 17] {
            let message: Vec<_> = (n..n + size).map(mixed).collect();
            n += size;
            let expected: Vec<_> = message.iter().map(|r| r.report_id.clone()).collect();
            assert!(stream.send(message).await);
            let receipts = stream.receipts(size).await;
            assert_eq!(receipts.iter().map(|r| r.report_id.clone()).collect::<Vec<_>>(), expected);
            for (receipt, n) in receipts.iter().zip(n - size..) {
                let expected = if n % 5 < 3 { ReceiptOutcome::Accepted } else { ReceiptOutcome::Rejected };
                assert_eq!(receipt.outcome(), expected, "{n}: {receipt:?}");
            }
        }
        let (more, end) = stream.rest().await;
        assert!(more.is_empty() && end.is_none(), "{more:?} {end:?}");
        let stored = (0..n).filter(|n| n % 5 < 3).count();
        assert_eq!(place.number("SELECT count(*) FROM report").await, i64::try_from(stored).unwrap());
        service.stop().await;
    })
    .await;
}

/// Two of five cannot be taken: one has no block, the other is of nobody's ward.
fn mixed(n: usize) -> StaffingReport {
    let at = morning() - Span::minutes(30) + Span::millis(i64::try_from(n).unwrap());
    match n % 5 {
        3 => report(&ward(1 + n % 7), at, "BEDS"),
        4 => beds(&ward(99), at, 3),
        _ => figures(&ward(1 + n % 7), at, 20, 2 + i32::try_from(n % 2).unwrap()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_resending_what_has_no_receipt_has_the_effect_of_sending_once() {
    on_both_stores(async |place| {
        let reports: Vec<_> = (0..3_000).map(ups_and_downs).collect();
        let service = place.serve_by(&clock()).await;
        service.register_many(10).await;
        let mut receipted = 0;
        let mut cuts = 0;
        while receipted < reports.len() {
            // A connection of its own, so that dropping it cuts what is under way.
            let mut stream = ReportStream::open(service.another_connection().await).await;
            let patience = if cuts < 6 { receipted + 200 } else { reports.len() };
            let mut from = receipted;
            while receipted < patience.min(reports.len()) {
                let to = (from + 1 + from % 400).min(reports.len());
                if from < to {
                    stream.send(reports[from..to].to_vec()).await;
                    from = to;
                }
                let receipts = stream.message().await.unwrap().unwrap();
                assert!(receipts.iter().all(|r| r.outcome() != ReceiptOutcome::Rejected), "{receipts:?}");
                receipted += receipts.len();
            }
            // Sent and not receipted when the line is cut: who knows what became of it?
            stream.send(reports[from..(from + 300).min(reports.len())].to_vec()).await;
            drop(stream);
            cuts += 1;
        }
        assert!(cuts > 5);
        service.settled().await;
        assert_eq!(place.number("SELECT count(*) FROM report").await, 3_000);

        // The same reports, sent once and without a hitch, end in the same alerts.
        let other = match place {
            Place::Sqlite(_) => Place::sqlite(),
            Place::Postgres(_) => Place::Postgres(crate::support::postgres::TestDatabase::create().await.unwrap()),
        };
        let smooth = other.serve_by(&clock()).await;
        smooth.register_many(10).await;
        for chunk in reports.chunks(1_000) {
            let receipts = smooth.submit(chunk.to_vec()).await;
            assert!(outcomes(&receipts).iter().all(|o| *o == ReceiptOutcome::Accepted));
        }
        let shown = |mut alerts: Vec<pb::Alert>| {
            alerts.sort_by(|a, b| (&a.subject, &a.rule).cmp(&(&b.subject, &b.rule)));
            alerts
        };
        let everything = || pb::ListAlertsRequest { states: vec![1, 2, 3], ..Default::default() };
        let (bumpy, smooth_alerts) = (shown(service.list(everything()).await), shown(smooth.list(everything()).await));
        assert!(!bumpy.is_empty());
        assert_eq!(bumpy, smooth_alerts);
        service.stop().await;
        smooth.stop().await;
    })
    .await;
}

/// Wards that go over the limit, to it, and far over it.
fn ups_and_downs(n: usize) -> StaffingReport {
    let at = morning() - Span::minutes(30) + Span::millis(i64::try_from(n).unwrap());
    figures(&ward(1 + n % 10), at, [20, 16, 40, 24, 17][n / 10 % 5], 2)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_a_breach_and_its_one_open_episode_are_committed_together_whoever_writes() {
    on_both_stores(async |place| {
        let clock = clock();
        let services = two(&place, &clock).await;
        services[0].register_many(8).await;
        // Beds through one service, nurses through the other, for the same wards at the same time.
        let [of_beds, of_nurses] = [(0, "beds"), (1, "nurses")].map(|(which, what)| {
            let service = Arc::clone(&services[which]);
            tokio::spawn(async move {
                for n in 0..60_usize {
                    let at = morning() - Span::minutes(30) + Span::seconds(i64::try_from(n).unwrap());
                    let message: Vec<_> = (1..=8)
                        .map(|w| match what {
                            "beds" => beds(&ward(w), at, if n % 2 == 0 { 25 } else { 10 }),
                            _ => nurses(&ward(w), at, if n % 3 == 0 { 2 } else { 3 }),
                        })
                        .collect();
                    for receipt in service.submit(message).await {
                        assert_eq!(receipt.outcome(), ReceiptOutcome::Accepted, "{receipt:?}");
                        assert_consistent(&service, &receipt).await;
                    }
                }
            })
        });
        within(of_beds).await.unwrap();
        within(of_nurses).await.unwrap();
        services[0].settled().await;
        services[1].settled().await;

        let twice = "SELECT count(*) FROM (SELECT 1 FROM alert WHERE state <> 3 GROUP BY subject, rule, instance \
                     HAVING count(*) > 1) AS t";
        assert_eq!(place.number(twice).await, 0);
        assert_eq!(place.number("SELECT count(*) FROM report").await, 2 * 60 * 8);
        let (events, last) =
            (place.number("SELECT count(*) FROM event").await, place.number("SELECT max(position) FROM event").await);
        assert_eq!((events, place.number("SELECT position FROM head").await), (last, last), "gapless");
        assert!(events > 8, "there was something to see");
        for alert in services[1].list(pb::ListAlertsRequest { states: vec![1, 2, 3], ..Default::default() }).await {
            let kinds: Vec<_> = services[0].events(&alert.name).await.iter().map(pb::AlertEvent::r#type).collect();
            assert_eq!(kinds[0], AlertEventType::Raised);
            assert_eq!(kinds.iter().filter(|k| **k == AlertEventType::Raised).count(), 1, "{kinds:?}");
            assert_eq!(kinds.len(), usize::try_from(alert.transition_count).unwrap());
        }
    })
    .await;
}

/// What a receipt says of alerts can be read at once.
async fn assert_consistent(service: &Service, receipt: &pb::ReportReceipt) {
    for name in &receipt.changed_alerts {
        let request = pb::GetAlertRequest { name: name.clone() };
        let alert = within(service.alerts().get_alert(request)).await.unwrap().into_inner().alert.unwrap();
        assert!(receipt.name.starts_with(&alert.ward));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_a_ward_falls_overdue_with_no_report_arriving_once() {
    on_both_stores(async |place| {
        let clock = clock();
        let services = two(&place, &clock).await;
        services[0].register_many(1).await;
        services[0].report(figures(&ward(1), morning(), 16, 2)).await;
        // Due after 60 minutes, overdue half of that later.
        clock.advance_to(morning() + Span::minutes(90) - Span::millis(1));
        settled(&services).await;
        assert_eq!(services[0].open_alerts().await, []);
        clock.advance_to(morning() + Span::minutes(90) + LATEST);
        eventually("report.overdue is raised", async || !services[0].open_alerts().await.is_empty()).await;
        settled(&services).await;
        assert_eq!(
            services[1].open_alerts().await,
            [("report.overdue".to_owned(), "A1".to_owned(), Severity::Warning)]
        );
        let alert = services[0].list(pb::ListAlertsRequest::default()).await.remove(0);
        let events = services[0].events(&alert.name).await;
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0].cause.as_ref().unwrap().kind(), CauseKind::Timer);
        assert_eq!(place.number("SELECT count(*) FROM event").await, 1);
    })
    .await;
}

pub(super) async fn settled(services: &[Arc<Service>; 2]) {
    tokio::join!(services[0].settled(), services[1].settled());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_an_alert_clears_by_the_clock_once() {
    on_both_stores(async |place| {
        let clock = clock();
        let services = two(&place, &clock).await;
        services[0].register_many(5).await;
        services[0].submit((1..=5).map(|n| figures(&ward(n), morning(), 25, 3)).collect()).await;
        assert_eq!(services[1].open_alerts().await.len(), 5);
        pass(&clock, 10);
        let better = morning() + Span::minutes(10);
        services[1].submit((1..=5).map(|n| figures(&ward(n), better, 24, 3)).collect()).await;
        let alerts = services[0].list(pb::ListAlertsRequest::default()).await;
        assert!(alerts.iter().all(|a| a.condition() == AlertCondition::Clearing), "{alerts:?}");
        // Resolves 30 minutes after the first good observation.
        clock.advance_to(better + Span::minutes(30) - Span::millis(1));
        settled(&services).await;
        assert_eq!(services[0].open_alerts().await.len(), 5);
        clock.advance_to(better + Span::minutes(30) + LATEST);
        eventually("all are resolved", async || services[0].open_alerts().await.is_empty()).await;
        settled(&services).await;
        for alert in alerts {
            let events = services[1].events(&alert.name).await;
            let kinds: Vec<_> = events.iter().map(pb::AlertEvent::r#type).collect();
            assert_eq!(kinds, [AlertEventType::Raised, AlertEventType::Updated, AlertEventType::Resolved]);
            let end = events[2].alert.as_ref().unwrap();
            assert_eq!(end.resolution(), Resolution::DemandFell);
            assert_eq!(events[2].cause.as_ref().unwrap().kind(), CauseKind::Timer);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_a_judgement_twelve_hours_old_no_longer_stands() {
    on_both_stores(async |place| {
        let clock = clock();
        let services = two(&place, &clock).await;
        services[0].register_wards(vec![pb::Ward { report_every_minutes: Some(1_440), ..adult(&ward(1)) }]).await;
        let judgement = Some(pb::ProfessionalJudgement { judgement: pb::Judgement::Unsafe.into() });
        services[0]
            .report(StaffingReport { professional_judgement: judgement, ..figures(&ward(1), morning(), 16, 2) })
            .await;
        assert_eq!(services[0].open_alerts().await.len(), 1);
        clock.advance_to(morning() + Span::hours(12) - Span::millis(1));
        settled(&services).await;
        assert_eq!(services[0].open_alerts().await.len(), 1);
        clock.advance_to(morning() + Span::hours(12));
        settled(&services).await;
        let ended = services[1].list(pb::ListAlertsRequest { states: vec![3], ..Default::default() }).await;
        assert_eq!(
            ended.iter().map(|a| (&*a.rule, a.resolution())).collect::<Vec<_>>(),
            [("judgement.unsafe", Resolution::Expired)]
        );
        assert_eq!(place.number("SELECT count(*) FROM event").await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_a_source_that_falls_silent_on_all_its_wards_is_one_critical_alert_of_the_organisation() {
    on_both_stores(async |place| {
        let clock = clock();
        let services = two(&place, &clock).await;
        services[0].register_many(6).await;
        services[0].submit((1..=6).map(|n| beds(&ward(n), morning(), 16)).collect()).await;
        services[1].submit((1..=6).map(|n| nurses(&ward(n), morning(), 2)).collect()).await;
        pass(&clock, 80);
        // The roster goes on; beds do not.
        services[1].submit((1..=6).map(|n| nurses(&ward(n), morning() + Span::minutes(80), 2)).collect()).await;
        pass(&clock, 10);
        settled(&services).await;
        settled(&services).await;
        let mut count = HashMap::new();
        for (rule, subject, severity) in services[0].open_alerts().await {
            *count.entry((rule, subject, severity)).or_insert(0) += 1;
        }
        let silent = ("source.silent".to_owned(), "RJ1".to_owned(), Severity::Critical);
        assert_eq!(count.remove(&silent), Some(1), "{count:?}");
        assert_eq!(count.len(), 6, "and each ward's own report.overdue: {count:?}");
        let mut happened = Vec::new();
        for alert in services[0].list(pb::ListAlertsRequest { states: vec![1, 2, 3], ..Default::default() }).await {
            let events = services[0].events(&alert.name).await;
            happened
                .extend(events.iter().map(|e| (e.position, told(&alert), e.r#type(), e.event_time, e.cause.clone())));
        }
        happened.sort_by_key(|e| e.0);
        assert!(happened.len() == 7, "{happened:#?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_a_replica_whose_clock_is_behind_does_not_take_back_what_another_published() {
    on_both_stores(async |place| {
        if matches!(place, Place::Sqlite(_)) {
            return; // One process, one clock.
        }
        let (ahead, behind) = (clock(), clock());
        let services = [place.serve_by(&ahead).await, place.serve_by(&behind).await];
        services[0].register_many(3).await;
        services[0].submit((1..=3).map(|n| figures(&ward(n), morning(), 16, 2)).collect()).await;
        ahead.advance_to(morning() + Span::minutes(90));
        services[0].settled().await;
        assert_eq!(services[1].open_alerts().await.len(), 4, "each ward, and their source");
        // By the other's clock it is not yet time, when something that does not age is said of each ward.
        behind.advance_to(morning() + Span::minutes(90) - Span::millis(3));
        let safe = Some(pb::ProfessionalJudgement { judgement: pb::Judgement::Safe.into() });
        let said = |n| report(&ward(n), morning() + Span::minutes(89), "MATRON");
        let said = (1..=3).map(|n| StaffingReport { professional_judgement: safe, ..said(n) }).collect();
        assert!(outcomes(&services[1].submit(said).await).iter().all(|o| *o == ReceiptOutcome::Accepted));
        services[1].settled().await;
        assert_eq!(place.number("SELECT count(*) FROM event").await, 4);
        assert_eq!(services[0].open_alerts().await.len(), 4);
    })
    .await;
}
