//! The control room's view: what it says belongs to one position of the log; each on both stores.

use tonic::{Code, Status, Streaming};
use wardwatch::domain::{Clock as _, Span, Time};
use wardwatch::wire::pb::watch_situation_response::Response as Sent;
use wardwatch::wire::pb::{self, ActivityCategory};
use wardwatch::wire::{timestamp_to, to_time};

use super::activity::{submit, work};
use super::strike_day::{announce, cover};
use super::strikes::{april, create};
use crate::support::hospital::{adult, clock, fields, figures, morning, pass, reason, ward};
use crate::support::service::{Service, on_both_stores, within};

async fn try_get(service: &Service, request: pb::GetSituationRequest) -> Result<pb::Situation, Status> {
    Ok(within(service.situations().get_situation(request)).await?.into_inner().situation.unwrap())
}

async fn now(service: &Service) -> pb::Situation {
    try_get(service, pb::GetSituationRequest::default()).await.unwrap()
}

async fn as_of(service: &Service, time: Time) -> Result<pb::Situation, Status> {
    try_get(service, pb::GetSituationRequest { as_of_time: Some(timestamp_to(time)), ..Default::default() }).await
}

fn of(organisation: &str) -> pb::SituationFilter {
    pb::SituationFilter { organisations: vec![organisation.to_owned()], ..Default::default() }
}

fn above(situation: &pb::Situation) -> i32 {
    situation.total.as_ref().unwrap().holes.unwrap().wards_above_limit
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_holes_are_the_alerts_that_breach_at_the_same_cursor() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(6).await;
        let reports = [(1, 28, 3), (2, 28, 2), (3, 20, 1), (4, 20, 0), (5, 20, 4)];
        let reports = reports.map(|(n, patients, nurses)| figures(&ward(n), morning(), patients, nurses));
        service.submit(reports.to_vec()).await;
        let situation = now(&service).await;
        let request = pb::ListAlertsRequest {
            condition: pb::AlertCondition::Breaching.into(),
            page_size: 1_000,
            ..Default::default()
        };
        let listed = within(service.alerts().list_alerts(request)).await.unwrap().into_inner();
        assert_eq!(situation.cursor, listed.cursor);
        let info = within(service.info().get_server_info(pb::GetServerInfoRequest {})).await.unwrap().into_inner();
        assert_eq!(situation.cursor, info.newest_cursor);
        let of = |rule: &str| i32::try_from(listed.alerts.iter().filter(|a| a.rule == rule).count()).unwrap();
        let block = situation.total.unwrap();
        let holes = block.holes.unwrap();
        assert_eq!(holes.wards_above_limit, of("ratio.over_limit"));
        assert_eq!((holes.wards_above_limit, holes.wards_severe), (3, 2));
        assert_eq!(holes.wards_below_minimum_rns, of("rn.below_minimum") + of("rn.none"));
        assert_eq!(holes.wards_without_rn, 1);
        let critical = listed.alerts.iter().filter(|a| a.severity() == pb::Severity::Critical).count();
        assert_eq!(holes.critical_alerts, i32::try_from(critical).unwrap());
        let mut names: Vec<_> = block.worst.iter().map(|a| a.name.as_str()).collect();
        let mut expected: Vec<_> = listed.alerts.iter().map(|a| a.name.as_str()).collect();
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!(names, expected, "all of them are among the ten worst");
        let severities: Vec<_> = block.worst.iter().map(pb::SituationAlert::severity).collect();
        assert!(severities.is_sorted_by(|a, b| a >= b), "{severities:?}");
        assert_eq!((block.rns_counted, block.rns_above_limit), (Some(10), Some(6)));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_it_was_an_hour_ago_comes_from_the_log() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(3).await;
        service.report(figures(&ward(1), clock.now(), 28, 3)).await;
        pass(&clock, 30);
        service.report(figures(&ward(2), clock.now(), 28, 2)).await;
        let situation = now(&service).await;
        assert_eq!(
            (above(&situation), situation.total.unwrap().holes_hour_ago),
            (2, None),
            "nothing was registered then"
        );

        pass(&clock, 29);
        assert_eq!(now(&service).await.total.unwrap().holes_hour_ago, None);
        pass(&clock, 1);
        let block = now(&service).await.total.unwrap();
        assert_eq!(block.holes_hour_ago.unwrap().wards_above_limit, 1, "what was raised at that instant counts");
        assert_eq!(to_time(block.hour_ago_time.unwrap()), Some(morning()));
        pass(&clock, 20);
        // A1 has enough nurses again, and its alert has ended by 09:50.
        service.report(figures(&ward(1), clock.now(), 20, 4)).await;
        pass(&clock, 30);
        service.settled().await;
        let situation = now(&service).await;
        let block = situation.total.as_ref().unwrap();
        let before = block.holes_hour_ago.unwrap();
        assert_eq!((above(&situation), before.wards_above_limit, before.wards_severe), (1, 2, 1));
        assert_eq!(situation.organisations[0].holes_hour_ago, block.holes_hour_ago);

        // The same question about a time past is answered as it would have been then, as far as the log tells.
        let then = as_of(&service, morning() + Span::minutes(60)).await.unwrap();
        let block = then.total.as_ref().unwrap();
        assert_eq!((above(&then), block.holes_hour_ago.unwrap().wards_above_limit), (2, 1));
        assert!(block.unknown.is_none() && block.rns_counted.is_none() && block.activity.is_none());
        assert!(then.position < situation.position);
        assert_eq!(above(&as_of(&service, morning() - Span::seconds(1)).await.unwrap()), 0);
        let status = as_of(&service, clock.now() + Span::micros(1)).await.unwrap_err();
        assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec!["as_of_time".to_owned()]));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_known_is_kept_apart_from_what_is_none() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(2).await;
        let block = now(&service).await.total.unwrap();
        let unknown = block.unknown.unwrap();
        assert_eq!((unknown.never_reported_wards, unknown.stale_wards), (2, 0));
        assert_eq!((block.rns_counted, block.rns_above_limit), (None, None));
        assert_eq!(block.holes, Some(pb::SituationHoles::default()));
        service.report(figures(&ward(1), clock.now(), 28, 3)).await;
        pass(&clock, 90);
        service.settled().await;
        let block = now(&service).await.total.unwrap();
        let unknown = block.unknown.unwrap();
        assert_eq!((unknown.never_reported_wards, unknown.stale_wards), (1, 1));
        assert_eq!((block.holes.unwrap().wards_above_limit, block.rns_counted), (1, None), "silence mends nothing");

        let work = [
            (ActivityCategory::Inpatient, 4_187),
            (ActivityCategory::DayCase, 8_524),
            (ActivityCategory::Outpatient, 112_856),
        ]
        .map(|(category, postponed)| work("2016-04-18", category, [None, None, Some(postponed)]));
        submit(&service, work.to_vec(), false).await.unwrap();
        let activity = now(&service).await.total.unwrap().activity.unwrap();
        let postponed = |counts: Option<pb::SituationCounts>| counts.unwrap().postponed;
        assert_eq!((postponed(activity.operations), postponed(activity.total)), (Some(12_711), Some(125_567)));
        assert_eq!(activity.total.unwrap().delivered, None);
        let days = |start: &str, end: &str| pb::GetSituationRequest {
            activity_start_day: start.into(),
            activity_end_day: end.into(),
            ..Default::default()
        };
        let later = try_get(&service, days("2016-04-19", "2016-05-02")).await.unwrap();
        assert_eq!(postponed(later.total.unwrap().activity.unwrap().total), None);
        for (start, end, field) in [
            ("yesterday", "", "activity_start_day"),
            ("", "2016-02-30", "activity_end_day"),
            ("2016-05-02", "2016-05-01", "activity_end_day"),
            ("2016-05-02", "2017-05-03", "activity_end_day"),
        ] {
            let status = try_get(&service, days(start, end)).await.unwrap_err();
            assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec![field.to_owned()]), "{status}");
        }
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organisation_sees_its_own_and_an_unknown_one_is_an_error() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        let elsewhere = "organisations/RXX/wards/B1";
        service.register_wards(vec![adult(&ward(1)), adult(elsewhere)]).await;
        create(&service, april()).await;
        service.submit(vec![figures(&ward(1), morning(), 28, 3), figures(elsewhere, morning(), 28, 2)]).await;
        let ask = |filter| pb::GetSituationRequest { filter: Some(filter), ..Default::default() };
        let mine = try_get(&service, ask(of("organisations/RJ1"))).await.unwrap();
        assert_eq!((above(&mine), mine.organisations.len(), mine.total.as_ref().unwrap().ward_count), (1, 1, 1));
        let strikes = &mine.total.as_ref().unwrap().strikes;
        assert_eq!(
            (strikes.len(), strikes[0].state(), strikes[0].seconds_left),
            (2, pb::SituationStrikeState::On, 8 * 3_600)
        );
        let other = try_get(&service, ask(of("organisations/RXX"))).await.unwrap();
        assert_eq!((above(&other), other.total.unwrap().strikes.len()), (1, 0), "it is not in the strike's scope");
        let all = now(&service).await;
        assert_eq!((above(&all), all.organisations.len(), all.regions.len()), (2, 2, 0));
        let total = pb::GetSituationRequest { total_only: true, ..Default::default() };
        let total = try_get(&service, total).await.unwrap();
        assert_eq!((total.total, total.organisations.len()), (all.total, 0));

        let unknown = pb::SituationFilter {
            organisations: vec!["organisations/RJ2".into()],
            regions: vec!["Y99".into()],
            sites: vec!["RJ199".into()],
        };
        let status = try_get(&service, ask(unknown)).await.unwrap_err();
        let named = ["filter.organisations[0]", "filter.sites[0]", "filter.regions[0]"].map(str::to_owned);
        assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, named.to_vec()), "{status}");
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_strike_day_the_double_gap_comes_first_and_who_takes_it_is_seen() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        announce(&service).await;
        // 11:05 in London; the window opened at 11:00.
        clock.advance_to(morning() + Span::minutes(125));
        service.settled().await;
        let block = now(&service).await.total.unwrap();
        assert_eq!(block.unknown.unwrap().cover_groups_without_return, 1);
        assert!(block.doctors.unwrap().tiers.is_empty());
        service.report(figures(&ward(1), clock.now(), 28, 3)).await;
        service.report(cover(clock.now(), &[(pb::MedicalGrade::F1, 2), (pb::MedicalGrade::Registrar, 0)])).await;
        service.settled().await;
        let situation = now(&service).await;
        let block = situation.total.unwrap();
        let holes = block.holes.unwrap();
        assert_eq!((holes.double_gaps, holes.cover_below_minimum, holes.wards_above_limit), (1, 1, 1));
        assert_eq!((block.worst[0].rule.as_str(), block.worst[0].strike.as_str()), ("ward.double_gap", "strikes/bma"));
        assert_eq!(block.unknown.unwrap().cover_groups_without_return, 0);
        let tiers: Vec<_> = block.doctors.unwrap().tiers.iter().map(|t| (t.tier, t.at_work)).collect();
        assert_eq!(tiers, [(1, 2), (2, 0)], "tier 3 was not reported, and is not zero");
        let who = block.responders.unwrap();
        assert_eq!((who.unacknowledged_criticals, who.acknowledged_criticals), (2, 0));

        let request = pb::AcknowledgeAlertRequest {
            name: block.worst[0].name.clone(),
            role: pb::ResponderRole::SiteManager.into(),
            action: pb::ActionCode::ActingDown.into(),
            client_system: "CONTROL".into(),
            ..Default::default()
        };
        within(service.alerts().acknowledge_alert(request)).await.unwrap();
        let block = now(&service).await.total.unwrap();
        let who = block.responders.unwrap();
        assert_eq!((who.unacknowledged_criticals, who.acknowledged_criticals), (1, 1));
        assert_eq!(block.worst[0].acknowledged_by(), pb::ResponderRole::SiteManager, "taken, and still the worst");
        service.stop().await;
    })
    .await;
}

async fn watch(service: &Service) -> Streaming<pb::WatchSituationResponse> {
    let heartbeat_interval = Some(prost_types::Duration { seconds: 5, nanos: 0 });
    let request = pb::WatchSituationRequest { heartbeat_interval, ..Default::default() };
    let mut stream = within(service.situations().watch_situation(request)).await.unwrap().into_inner();
    let Some(Sent::Opened(opened)) = next(&mut stream).await else { panic!("it opens first") };
    assert_eq!(opened.heartbeat_interval.unwrap().seconds, 5);
    stream
}

async fn next(stream: &mut Streaming<pb::WatchSituationResponse>) -> Option<Sent> {
    within(stream.message()).await.unwrap().and_then(|m| m.response)
}

/// The next situation; heartbeats before it say that the last one held.
async fn situation(stream: &mut Streaming<pb::WatchSituationResponse>) -> pb::Situation {
    loop {
        match next(stream).await {
            Some(Sent::Situation(situation)) => return situation,
            Some(Sent::Heartbeat(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_is_shown_what_a_report_and_what_time_alone_changes_and_is_told_goodbye() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(2).await;
        create(&service, april()).await;
        service.settled().await;
        let mut stream = watch(&service).await;
        let first = situation(&mut stream).await;
        let got = now(&service).await;
        assert_eq!(first, got, "what is shown is what is answered");
        service.report(figures(&ward(1), clock.now(), 28, 3)).await;
        let raised = situation(&mut stream).await;
        assert_eq!((above(&first), above(&raised)), (0, 1));
        assert!(raised.position > first.position);
        // The window closes, and nobody reports.
        clock.advance_to(morning() + Span::hours(8));
        service.settled().await;
        let closed = async {
            loop {
                let shown = situation(&mut stream).await.total.unwrap();
                if shown.strikes.len() == 1 {
                    return shown;
                }
            }
        };
        assert_eq!(within(closed).await.strikes[0].state(), pb::SituationStrikeState::Coming);
        service.running.drain();
        let goodbye = loop {
            match next(&mut stream).await {
                Some(Sent::Goodbye(goodbye)) => break goodbye,
                Some(_) => {}
                None => panic!("it says goodbye first"),
            }
        };
        assert_eq!(goodbye.reason, "SERVER_DRAINING");
        let end = within(stream.message()).await.unwrap_err();
        assert_eq!((end.code(), reason(&end)), (Code::Unavailable, "SERVER_DRAINING".to_owned()));
        drop(stream);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_hears_a_heartbeat_while_nothing_changes() {
    let place = crate::support::service::Place::sqlite();
    let service = place.serve_by(&clock()).await;
    service.register_many(1).await;
    service.settled().await;
    let mut stream = watch(&service).await;
    let shown = situation(&mut stream).await;
    let Some(Sent::Heartbeat(heartbeat)) = next(&mut stream).await else { panic!("nothing has changed") };
    assert_eq!(heartbeat.server_time, shown.server_time);
    let request = pb::WatchSituationRequest {
        heartbeat_interval: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
        ..Default::default()
    };
    let status = within(service.situations().watch_situation(request)).await.unwrap_err();
    assert_eq!(fields(&status), ["heartbeat_interval"]);
    drop(stream);
    service.stop().await;
}
