//! Strikes: announced, changed, called off, by one person or by two at once.

use tonic::{Code, Status};
use wardwatch::domain::{Clock as _, Span};
use wardwatch::wire::pb::{self, CallOffReason, CauseKind, Resolution, Severity, WindowState};
use wardwatch::wire::{timestamp_to, to_time};

use crate::support::hospital::{adult, clock, fields, morning, nurses, pass, reason, ward};
use crate::support::service::{Service, on_both_stores, within};

/// Windows in London's time.
fn windows(of: &[(&str, &str)]) -> Vec<pb::StrikeWindow> {
    let window = |(start, end): &(&str, &str)| pb::StrikeWindow {
        start_local: (*start).to_owned(),
        end_local: (*end).to_owned(),
        ..Default::default()
    };
    of.iter().map(window).collect()
}

/// The strike of April 2016, at RJ1.
pub fn april() -> pb::Strike {
    pb::Strike {
        union: "BMA".into(),
        staff_group: pb::StaffGroup::ResidentDoctors.into(),
        mode: pb::StrikeMode::FullWithdrawal.into(),
        elective_policy: pb::ElectivePolicy::EmergencyOnly.into(),
        scope: Some(pb::StrikeScope { organisations: vec!["organisations/RJ1".into()], ..Default::default() }),
        windows: windows(&[("2016-04-26T08:00", "2016-04-26T17:00"), ("2016-04-27T08:00", "2016-04-27T17:00")]),
        ..Default::default()
    }
}

async fn try_create(service: &Service, strike: pb::Strike) -> Result<pb::CreateStrikeResponse, Status> {
    let request = pb::CreateStrikeRequest { strike: Some(strike), ..Default::default() };
    Ok(within(service.strikes().create_strike(request)).await?.into_inner())
}

pub async fn create(service: &Service, strike: pb::Strike) -> pb::CreateStrikeResponse {
    try_create(service, strike).await.unwrap()
}

async fn update(service: &Service, strike: pb::Strike) -> Result<pb::UpdateStrikeResponse, Status> {
    let request = pb::UpdateStrikeRequest {
        strike: Some(strike),
        reason: CallOffReason::CourtOrder.into(),
        ..Default::default()
    };
    Ok(within(service.strikes().update_strike(request)).await?.into_inner())
}

async fn get(service: &Service, name: &str, version: Option<i64>) -> Result<pb::Strike, Status> {
    let request = pb::GetStrikeRequest { name: name.to_owned(), version };
    Ok(within(service.strikes().get_strike(request)).await?.into_inner().strike.unwrap())
}

fn call_off(name: &str, window_ids: Vec<i32>) -> pb::CallOffStrikeRequest {
    pb::CallOffStrikeRequest {
        name: name.to_owned(),
        window_ids,
        reason: CallOffReason::Suspended.into(),
        ..Default::default()
    }
}

async fn names(service: &Service) -> Vec<String> {
    let answer = within(service.strikes().list_strikes(pb::ListStrikesRequest::default())).await.unwrap().into_inner();
    answer.strikes.into_iter().map(|s| s.name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strike_is_checked_first_and_then_announced_and_says_what_it_comes_to() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        let closed = pb::Ward { state: pb::WardState::Closed.into(), ..adult(&ward(3)) };
        let elsewhere = adult("organisations/RXX/wards/B1");
        service.register_wards(vec![adult(&ward(1)), adult(&ward(2)), closed, elsewhere]).await;
        let checked = pb::CreateStrikeRequest { strike: Some(april()), validate_only: true, ..Default::default() };
        let checked = within(service.strikes().create_strike(checked)).await.unwrap().into_inner();
        assert!(names(&service).await.is_empty(), "nothing was written");
        let announced = create(&service, april()).await;
        assert_eq!(announced, checked, "the check answers what the real call answers");
        let strike = announced.strike.unwrap();
        assert_eq!((strike.name.as_str(), strike.version), ("strikes/bma-2016-04-26", 1));
        assert!(announced.warnings.is_empty() && !strike.etag.is_empty());
        let effect = announced.effect.unwrap();
        assert_eq!((effect.organisation_count, effect.ward_count), (1, 2));
        assert_eq!(
            (effect.organisations, effect.wards),
            (vec!["organisations/RJ1".to_owned()], vec![ward(1), ward(2)])
        );
        let first = &effect.windows[0];
        let window = first.window.as_ref().unwrap();
        let utc = [window.start_time.unwrap(), window.end_time.unwrap()].map(|t| to_time(t).unwrap().to_string());
        assert_eq!((window.id, utc), (1, ["2016-04-26T07:00:00Z".to_owned(), "2016-04-26T16:00:00Z".to_owned()]));
        assert_eq!((first.shift_count, first.shifts[0].shift()), (1, pb::ShiftName::Day));
        assert_eq!(first.tail.unwrap().seconds, 0, "by the clock nothing outlasts it");
        assert_eq!(get(&service, "strikes/bma-2016-04-26", None).await.unwrap(), strike);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_shift_start_the_answer_says_for_how_long_struck_shifts_outlast_the_window() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let strike = pb::Strike {
            attribution: pb::Attribution::ShiftStart.into(),
            windows: windows(&[("2024-02-28T07:00", "2024-02-28T23:59")]),
            ..april()
        };
        let effect = create(&service, strike).await.effect.unwrap();
        let window = &effect.windows[0];
        let shifts: Vec<_> = window.shifts.iter().map(pb::StruckShift::shift).collect();
        assert_eq!(shifts, [pb::ShiftName::Day, pb::ShiftName::Night]);
        assert_eq!(window.tail.unwrap().seconds, 60 * (7 * 60 + 31));
        assert_eq!(to_time(window.struck_until_time.unwrap()).unwrap().to_string(), "2024-02-29T07:30:00Z");
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_refused_by_field_and_nothing_is_half_applied() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let of = |start: &str, end: &str| pb::Strike { windows: windows(&[(start, end)]), ..april() };
        let overlapping = [("2016-04-26T08:00", "2016-04-26T17:00"), ("2016-04-26T16:00", "2016-04-26T20:00")];
        for (strike, field) in [
            (of("2016-04-26T17:00", "2016-04-26T08:00"), "strike.windows[0].end_local"),
            (of("2016-03-27T01:30", "2016-03-27T17:00"), "strike.windows[0].start_local"),
            (of("2016-04-26T08:00Z", "2016-04-26T17:00"), "strike.windows[0].start_local"),
            (pb::Strike { time_zone: "Europe/Londinium".into(), ..april() }, "strike.time_zone"),
            (pb::Strike { windows: windows(&overlapping), ..april() }, "strike.windows[1].start_local"),
            (pb::Strike { windows: vec![], ..april() }, "strike.windows"),
            (pb::Strike { scope: None, ..april() }, "strike.scope"),
            (pb::Strike { mode: 0, ..april() }, "strike.mode"),
            (pb::Strike { name: "strikes/BMA".into(), ..april() }, "strike.name"),
        ] {
            let status = try_create(&service, strike).await.unwrap_err();
            let what = (status.code(), reason(&status), fields(&status));
            assert_eq!(what, (Code::InvalidArgument, "INVALID_REQUEST".to_owned(), vec![field.to_owned()]), "{status}");
        }
        let empty = within(service.strikes().create_strike(pb::CreateStrikeRequest::default())).await.unwrap_err();
        assert_eq!(fields(&empty).len(), 6, "{empty}");
        assert!(names(&service).await.is_empty());
        assert_eq!(place.number("SELECT count(*) FROM context WHERE kind = 0").await, 0);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scope_that_matches_nothing_and_a_time_that_comes_twice_are_accepted_with_a_warning() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let scope = pb::StrikeScope { regions: vec!["Y99".into()], ..Default::default() };
        let strike =
            pb::Strike { scope: Some(scope), windows: windows(&[("2016-10-30T01:30", "2016-10-30T08:00")]), ..april() };
        let announced = create(&service, strike).await;
        let fields: Vec<_> = announced.warnings.iter().map(|w| w.field.as_str()).collect();
        assert_eq!(fields, ["strike.windows[0].start_local", "strike.scope.regions", "strike.scope"]);
        assert!(announced.warnings[0].description.ends_with("the first was taken"), "{:?}", announced.warnings);
        assert_eq!(announced.effect.unwrap().organisation_count, 0);
        // The employer is registered later, and is in scope from then on.
        let organisations =
            vec![pb::Organisation { name: "organisations/RXX".into(), region: "Y99".into(), ..Default::default() }];
        let request = pb::UpsertOrganisationsRequest { organisations, validate_only: false };
        within(service.register().upsert_organisations(request)).await.unwrap();
        let request = pb::GetStrikeRequest { name: announced.strike.unwrap().name, version: None };
        let found = within(service.strikes().get_strike(request)).await.unwrap().into_inner();
        assert_eq!(found.effect.unwrap().organisations, ["organisations/RXX"]);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_of_a_strike_is_kept_and_an_old_etag_changes_nothing() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(1).await;
        let first = create(&service, april()).await.strike.unwrap();
        pass(&clock, 1);
        let mut shorter = first.clone();
        shorter.windows[1].end_local = "2016-04-27T12:00".into();
        let second = update(&service, shorter.clone()).await.unwrap().strike.unwrap();
        assert_eq!((second.version, second.change_reason()), (2, CallOffReason::CourtOrder));
        assert_eq!(second.windows[1].end_local, "2016-04-27T12:00");
        assert_eq!(to_time(second.update_time.unwrap()), Some(clock.now()));
        let again = update(&service, second.clone()).await.unwrap().strike.unwrap();
        assert_eq!(again, second, "what changes nothing makes no version");

        let stale = update(&service, shorter).await.unwrap_err();
        assert_eq!((stale.code(), reason(&stale)), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
        let request = pb::CallOffStrikeRequest { etag: first.etag.clone(), ..call_off(&first.name, vec![]) };
        let stale = within(service.strikes().call_off_strike(request)).await.unwrap_err();
        assert_eq!((stale.code(), reason(&stale)), (Code::Aborted, "ETAG_MISMATCH".to_owned()));

        assert_eq!(get(&service, &first.name, None).await.unwrap(), second);
        assert_eq!(get(&service, &first.name, Some(1)).await.unwrap(), first);
        for version in [0, 3, -1, i64::MAX] {
            assert_eq!(get(&service, &first.name, Some(version)).await.unwrap_err().code(), Code::NotFound);
        }
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_change_a_strike_at_once_one_wins_and_the_other_is_told() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let (one, other) = tokio::join!(try_create(&service, april()), try_create(&service, april()));
        let lost = [one, other].into_iter().find_map(Result::err).expect("one of them came second");
        assert_eq!((lost.code(), reason(&lost)), (Code::AlreadyExists, "ALREADY_EXISTS".to_owned()));
        for round in 0..5 {
            let read = get(&service, "strikes/bma-2016-04-26", None).await.unwrap();
            let until = |hour: i32| {
                let mut strike = read.clone();
                strike.windows[0].end_local = format!("2016-04-26T{}:{round:02}", 9 + hour);
                strike
            };
            let (one, other) = tokio::join!(update(&service, until(1)), update(&service, until(2)));
            assert_eq!(u8::from(one.is_ok()) + u8::from(other.is_ok()), 1, "{one:?} {other:?}");
            let lost = [one, other].into_iter().find_map(Result::err).unwrap();
            assert_eq!((lost.code(), reason(&lost)), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
            assert_eq!(get(&service, &read.name, None).await.unwrap().version, read.version + 1);
        }
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strike_that_is_not_there_is_not_found_and_the_nearest_is_named() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        create(&service, april()).await;
        let status = get(&service, "strikes/bma-2016-04-27", None).await.unwrap_err();
        let text = "strikes/bma-2016-04-27 (nearest: strikes/bma-2016-04-26) does not exist";
        assert_eq!((status.code(), status.message()), (Code::NotFound, text));
        let request = call_off("strikes/other", vec![]);
        let status = within(service.strikes().call_off_strike(request)).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        let status = update(&service, pb::Strike { name: "strikes/other".into(), ..april() }).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        let status = get(&service, "bma-2016-04-26", None).await.unwrap_err();
        assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec!["name".to_owned()]));
        let request = pb::CallOffStrikeRequest { reason: 0, ..call_off("strikes/bma-2016-04-26", vec![1, 7]) };
        let status = within(service.strikes().call_off_strike(request)).await.unwrap_err();
        assert_eq!(fields(&status), ["reason"]);
        let request = call_off("strikes/bma-2016-04-26", vec![1, 7]);
        let status = within(service.strikes().call_off_strike(request)).await.unwrap_err();
        assert_eq!(fields(&status), ["window_ids[1]"]);
        assert!(status.message().contains("the strike has no window 7: it has 1, 2"), "{status}");
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_window_is_called_off_and_then_the_rest() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let strike = create(&service, april()).await.strike.unwrap();
        let done = async |request| within(service.strikes().call_off_strike(request)).await.unwrap().into_inner();
        let one = done(call_off(&strike.name, vec![2])).await;
        let states = |s: &pb::Strike| s.windows.iter().map(|w| (w.state(), w.call_off_reason())).collect::<Vec<_>>();
        let suspended = (WindowState::CalledOff, CallOffReason::Suspended);
        let planned = (WindowState::Planned, CallOffReason::Unspecified);
        assert_eq!(states(&one.strike.unwrap()), [planned, suspended]);
        let effect = one.effect.unwrap();
        assert_eq!(effect.windows.iter().map(|w| w.shift_count).collect::<Vec<_>>(), [1, 0], "nothing is struck in it");
        let settled =
            pb::CallOffStrikeRequest { reason: CallOffReason::Settled.into(), ..call_off(&strike.name, vec![]) };
        let rest = done(settled.clone()).await.strike.unwrap();
        assert_eq!(states(&rest), [(WindowState::CalledOff, CallOffReason::Settled), suspended], "each its own reason");
        assert_eq!(done(settled).await.strike.unwrap(), rest, "to call it off again changes nothing");
        let again = done(call_off(&strike.name, vec![1])).await;
        assert_eq!((again.strike.unwrap().version, again.warnings[0].field.as_str()), (3, "window_ids[0]"));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strike_is_judged_at_once_and_its_alerts_end_with_the_reason_it_was_called_off_for() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        let with_baseline = pb::Ward { night_duty_registered_nurses: Some(4), ..adult(&ward(1)) };
        service.register_wards(vec![with_baseline, adult(&ward(2))]).await;
        service.submit(vec![nurses(&ward(1), morning(), 3), nurses(&ward(2), morning(), 3)]).await;
        service.settled().await;
        assert_eq!(service.open_alerts().await, []);
        let rcn = pb::Strike {
            union: "RCN".into(),
            staff_group: pb::StaffGroup::Nurses.into(),
            mode: pb::StrikeMode::NightDutyCover.into(),
            ..april()
        };
        let strike = create(&service, rcn).await.strike.unwrap();
        service.settled().await;
        let raised = ("cover.below_baseline".to_owned(), "A1".to_owned(), Severity::Warning);
        assert_eq!(service.open_alerts().await, [raised], "no report came");
        let alert = service.list(pb::ListAlertsRequest::default()).await.remove(0);
        assert_eq!(alert.strike, strike.name);
        assert_eq!(service.events(&alert.name).await[0].cause.clone().unwrap().kind(), CauseKind::Strike);
        // Another window is called off: nothing ends.
        within(service.strikes().call_off_strike(call_off(&strike.name, vec![2]))).await.unwrap();
        service.settled().await;
        assert_eq!(service.open_alerts().await.len(), 1);
        within(service.strikes().call_off_strike(call_off(&strike.name, vec![1]))).await.unwrap();
        service.settled().await;
        assert_eq!(service.open_alerts().await, []);
        let ended = service.list(pb::ListAlertsRequest { states: vec![3], ..Default::default() }).await.remove(0);
        assert_eq!(ended.resolution(), Resolution::Suspended);
        let last = service.events(&alert.name).await.pop().unwrap();
        assert_eq!(last.cause.unwrap().kind(), CauseKind::Strike);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strikes_are_listed_page_by_page_and_by_employer_and_time() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_wards(vec![adult(&ward(1)), adult("organisations/RXX/wards/B1")]).await;
        for n in 1..=3 {
            create(&service, pb::Strike { name: format!("strikes/s{n}"), ..april() }).await;
        }
        let england = Some(pb::StrikeScope { nation: "ENGLAND".into(), ..Default::default() });
        let old = windows(&[("2016-01-12T08:00", "2016-01-13T08:00")]);
        create(&service, pb::Strike { name: "strikes/s4".into(), scope: england, windows: old, ..april() }).await;
        let list = async |request| within(service.strikes().list_strikes(request)).await.unwrap().into_inner();
        let mut request = pb::ListStrikesRequest { page_size: 2, ..Default::default() };
        let first = list(request.clone()).await;
        request.page_token = first.next_page_token;
        let second = list(request).await;
        let seen: Vec<_> = first.strikes.iter().chain(&second.strikes).map(|s| s.name.as_str()).collect();
        assert_eq!(seen, ["strikes/s1", "strikes/s2", "strikes/s3", "strikes/s4"]);
        let names = |answer: pb::ListStrikesResponse| answer.strikes.into_iter().map(|s| s.name).collect::<Vec<_>>();
        let of = |code: &str| pb::ListStrikesRequest { organisation: code.to_owned(), ..Default::default() };
        assert_eq!(names(list(of("organisations/RXX")).await), ["strikes/s4"]);
        let later = Some(timestamp_to(morning() - Span::days(30)));
        let recent = pb::ListStrikesRequest { ends_after_time: later, ..Default::default() };
        assert_eq!(names(list(recent).await), ["strikes/s1", "strikes/s2", "strikes/s3"]);
        let status = within(service.strikes().list_strikes(of("organisations/RZZ"))).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        let status = within(service.strikes().list_strikes(of("RJ1"))).await.unwrap_err();
        assert_eq!(fields(&status), ["organisation"]);
        service.stop().await;
    })
    .await;
}
