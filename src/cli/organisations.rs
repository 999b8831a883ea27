use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Map, Value};

use super::import;
use super::table::{Column, Kind};
use super::{Failure, Session, filter, shown};
use crate::client::{Client, pb};

/// The columns of a CSV of organisations.
const COLUMNS: &[Column] = &[
    Column::plain("organisation", Kind::Text),
    Column::plain("display_name", Kind::Text),
    Column::plain("region", Kind::Text),
    Column::plain("region_name", Kind::Text),
    Column::plain("icb", Kind::Text),
    Column::plain("time_zone", Kind::Text),
];

/// All of them must be there.
const REQUIRED: &[&str] = &["organisation", "display_name", "region", "region_name", "icb", "time_zone"];

/// Organisations.
#[derive(Debug, Subcommand)]
pub(super) enum Organisations {
    /// Create or replace organisations from a CSV: organisation,display_name,region,region_name,icb,time_zone.
    Import {
        /// The CSV.
        file: PathBuf,
    },
    /// List all.
    List,
    /// Show one.
    Show {
        /// Its ODS code, such as RJ1.
        #[arg(value_name = "CODE", value_parser = filter::organisation)]
        name: String,
    },
}

impl Organisations {
    pub(super) async fn run(self, session: Session) -> Result<(), Failure> {
        match self {
            Self::Import { file } => import(file, session).await,
            Self::List => list(session, |_| true).await.map(|_| ()),
            Self::Show { name } => match list(session, |o| o.name == name).await? {
                0 => Err(Failure::failed(format!("{name} is not registered"))),
                _ => Ok(()),
            },
        }
    }
}

fn name(cells: &mut Map<String, Value>) -> Result<(), String> {
    match cells.remove("organisation").as_ref().and_then(Value::as_str) {
        Some(code) => {
            cells.insert("name".into(), format!("organisations/{code}").into());
            Ok(())
        }
        None => Err("organisation: must be given".into()),
    }
}

async fn import(file: PathBuf, session: Session) -> Result<(), Failure> {
    let rows = import::read::<pb::Organisation>(&file, COLUMNS, REQUIRED, name)?;
    let upsert = async |client: &Client, rows| {
        let done = client.upsert_organisations(rows).await?;
        Ok([done.created_count, done.updated_count, done.unchanged_count])
    };
    import::send(&file, &rows, session, upsert).await
}

/// Lists those wanted; how many.
async fn list(mut session: Session, wanted: impl Fn(&pb::Organisation) -> bool) -> Result<u64, Failure> {
    let client = session.connect().await?;
    let mut request = pb::ListOrganisationsRequest { page_size: 1_000, page_token: String::new() };
    let mut count = 0;
    loop {
        let page = client.list_organisations(request.clone()).await?;
        for organisation in page.organisations.iter().filter(|o| wanted(o)) {
            session.output.message(organisation, line)?;
            count += 1;
        }
        session.output.flush()?;
        if page.next_page_token.is_empty() {
            return Ok(count);
        }
        request.page_token = page.next_page_token;
    }
}

fn line(organisation: &pb::Organisation) -> String {
    let code = organisation.name.strip_prefix("organisations/").unwrap_or(&organisation.name);
    let region = format!("{} {}", organisation.region, organisation.region_name);
    let line =
        format!("{code:<10}  {:<60}  {:<32}  {}", organisation.display_name, region.trim(), organisation.time_zone);
    shown::clean(&line)
}
