//! What time brings about alone.

use crate::support::hospital::{clock, figures, morning, pass, ward};
use crate::support::service::{Place, on_both_stores};

/// What the database refuses stays due. It is tried again with the next sweep, not over and over in the same one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ward_whose_row_the_database_refuses_holds_up_no_other() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(2).await;
        service.submit(vec![figures(&ward(1), morning(), 20, 4), figures(&ward(2), morning(), 20, 4)]).await;
        let refuse = match &place {
            Place::Sqlite(_) => {
                "CREATE TRIGGER refuse BEFORE UPDATE ON subject WHEN OLD.name LIKE '%/A1'
                 BEGIN SELECT RAISE(ABORT, 'as tested'); END"
            }
            // A sequence is not rolled back: it counts what was refused.
            Place::Postgres(_) => {
                "CREATE SEQUENCE refused; CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                 $$BEGIN PERFORM nextval('refused'); RAISE EXCEPTION 'as tested'; END$$;
                 CREATE TRIGGER refuse BEFORE UPDATE ON subject FOR EACH ROW WHEN (OLD.name LIKE '%/A1')
                 EXECUTE FUNCTION refuse()"
            }
        };
        place.execute(refuse).await;
        pass(&clock, 24 * 60);
        service.settled().await;
        let stale: Vec<_> = service.open_alerts().await.into_iter().map(|(_, ward, _)| ward).collect();
        assert!(stale.contains(&"A2".to_owned()) && !stale.contains(&"A1".to_owned()), "{stale:?}");
        if let Place::Postgres(_) = place {
            let tries = place.number("SELECT last_value FROM refused").await;
            assert!((1..10).contains(&tries), "it was tried {tries} times");
        }
        service.stop().await;
    })
    .await;
}
