//! The ceilings: actix-web that serves bytes from memory, and bare actix-web with diesel that runs the same SQL, without
//! token, policy, markers, history or audit. A process of its own: `scale --bare URL`.

use std::net::TcpListener;

use actix_web::{App, HttpResponse, HttpServer, web};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};

use crate::schema::{
    audit_entry, audit_pending, concern, data_key, edition_handling, idempotency, incident, incident_edition as e,
    revision, sealed_value, state, suspect, victim, withholding,
};

#[derive(Queryable, Insertable, serde::Serialize)]
#[diesel(table_name = e)]
struct Edition {
    #[serde(skip)]
    id: Vec<u8>,
    #[serde(skip)]
    incident_id: Vec<u8>,
    reference: String,
    number: i32,
    status: String,
    is_current: bool,
    is_released: bool,
    mission: String,
    host_state: Option<String>,
    occurred_on: NaiveDate,
    occurred_on_precision: String,
    occurred_year: i32,
    region: Option<String>,
    act: String,
    means: String,
    activity: String,
    perpetrator_category: String,
    others_killed: i32,
    others_injured: i32,
    victims: i32,
    killed: i32,
    injured: i32,
    abducted: i32,
    detained: i32,
    still_held: i32,
    noticas_id: Option<String>,
    sage_id: Option<String>,
    public_file: bool,
    updated_at: NaiveDateTime,
    released_at: Option<NaiveDateTime>,
    superseded_at: Option<NaiveDateTime>,
}

#[derive(Queryable, Insertable, serde::Serialize)]
#[diesel(table_name = edition_handling)]
struct Handling {
    #[serde(skip)]
    edition_id: Vec<u8>,
    #[serde(skip)]
    author_id: Vec<u8>,
    #[serde(skip)]
    verifier_id: Option<Vec<u8>>,
    #[serde(skip)]
    releaser_id: Option<Vec<u8>>,
    created_at: NaiveDateTime,
    hold_reason: Option<String>,
    hold_review_on: Option<NaiveDate>,
    reason: Option<String>,
    reason_fields: Option<String>,
    withdrawal_by: Option<Vec<u8>>,
    #[serde(skip)]
    tag_confidential: Vec<u8>,
    #[serde(skip)]
    tag_strictly_confidential: Vec<u8>,
}

#[derive(Queryable, Insertable, serde::Serialize)]
#[diesel(table_name = victim)]
struct Victim {
    #[serde(skip)]
    id: Vec<u8>,
    #[serde(skip)]
    edition_id: Vec<u8>,
    #[serde(skip)]
    victim_id: Vec<u8>,
    handle: String,
    position: i32,
    category: String,
    states: String,
    outcome: String,
    sex_of_dead: Option<String>,
    noticas_id: Option<String>,
    kin_notified_on: Option<NaiveDate>,
    state_notified_on: Option<NaiveDate>,
    died_on: Option<NaiveDate>,
    held_from: Option<NaiveDate>,
    held_until: Option<NaiveDate>,
    held_end: Option<String>,
}

type Suspect = (String, i32, String, String);

#[derive(serde::Deserialize, Clone)]
struct PageQuery {
    mission: Option<String>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    limit: i64,
    after_on: Option<NaiveDate>,
    after_ref: Option<String>,
    state: Option<String>,
}

/// Everything that differs by the type of the connection, said once for each.
macro_rules! bare {
    ($name:ident, $connection:ty, $begin:expr) => {
        mod $name {
            use super::*;
            use diesel::connection::{AnsiTransactionManager, TransactionManager};

            type Bare = Pool<ConnectionManager<$connection>>;

            pub async fn page(pool: web::Data<Bare>, query: web::Query<PageQuery>) -> HttpResponse {
                let rows: (Vec<Edition>, Vec<Handling>, Vec<i32>) = web::block(move || {
                    let mut connection = pool.get().unwrap();
                    let PageQuery { mission, from, to, limit, after_on, after_ref, state } = query.into_inner();
                    let is_inside = state.is_none();
                    let mut page = match state {
                        None => e::table.filter(e::is_current.eq(true)).into_boxed(),
                        // As the service asks for a State of more, or of fewer, than 2,000 concerns.
                        Some(state) => {
                            let live = concern::table.filter(concern::state.eq(state)).filter(concern::to_at.is_null());
                            let many: Option<Option<Vec<u8>>> = live
                                .clone()
                                .order(concern::edition_id)
                                .select(concern::edition_id)
                                .offset(2_000)
                                .first(&mut connection)
                                .optional()
                                .unwrap();
                            match many {
                                Some(_) => e::table
                                    .filter(diesel::dsl::exists(live.filter(concern::edition_id.eq(e::id.nullable()))))
                                    .into_boxed(),
                                None => e::table
                                    .filter(e::id.nullable().eq_any(
                                        live.filter(concern::edition_id.is_not_null()).select(concern::edition_id),
                                    ))
                                    .into_boxed(),
                            }
                        }
                    };
                    if let Some(mission) = mission {
                        page = page.filter(e::mission.eq(mission));
                    }
                    if let Some(from) = from {
                        page = page.filter(e::occurred_on.ge(from));
                    }
                    if let Some(to) = to {
                        page = page.filter(e::occurred_on.le(to));
                    }
                    if let (Some(on), Some(reference)) = (after_on, after_ref) {
                        let after = diesel::dsl::sql::<diesel::sql_types::Bool>("(occurred_on, reference) < (")
                            .bind::<diesel::sql_types::Date, _>(on)
                            .sql(", ")
                            .bind::<diesel::sql_types::Text, _>(reference)
                            .sql(")");
                        page = page.filter(after);
                    }
                    let rows: Vec<Edition> = page
                        .order((e::occurred_on.desc(), e::reference.desc()))
                        .limit(limit + 1)
                        .load(&mut connection)
                        .unwrap();
                    let ids: Vec<&Vec<u8>> = rows.iter().map(|row| &row.id).collect();
                    let handled: Vec<Handling> = edition_handling::table
                        .filter(edition_handling::edition_id.eq_any(&ids))
                        .load(&mut connection)
                        .unwrap();
                    if !is_inside {
                        return (rows, handled, Vec::new());
                    }
                    let held: Vec<(Vec<u8>, i32)> = sealed_value::table
                        .filter(sealed_value::holder_id.eq_any(ids))
                        .select((sealed_value::holder_id, sealed_value::field))
                        .load(&mut connection)
                        .unwrap();
                    (rows, handled, held.into_iter().map(|(_, field)| field).collect())
                })
                .await
                .unwrap();
                HttpResponse::Ok().json(rows)
            }

            pub async fn one(pool: web::Data<Bare>, path: web::Path<String>) -> HttpResponse {
                type Found = (Edition, Handling, Vec<Victim>, Vec<Suspect>, Vec<i32>, String, Vec<String>);
                let found: Found = web::block(move || {
                    let mut connection = pool.get().unwrap();
                    let edition: Edition = e::table
                        .filter(e::is_current.eq(true))
                        .filter(e::reference.eq(path.into_inner()))
                        .first(&mut connection)
                        .unwrap();
                    let handling = edition_handling::table.find(&edition.id).first(&mut connection).unwrap();
                    let victims: Vec<Victim> = victim::table
                        .filter(victim::edition_id.eq(&edition.id))
                        .order(victim::position)
                        .load(&mut connection)
                        .unwrap();
                    let suspects: Vec<Suspect> = suspect::table
                        .filter(suspect::edition_id.eq(&edition.id))
                        .order(suspect::position)
                        .select((suspect::handle, suspect::position, suspect::category, suspect::status))
                        .load(&mut connection)
                        .unwrap();
                    let holders: Vec<&Vec<u8>> = victims.iter().map(|row| &row.id).chain([&edition.id]).collect();
                    let held: Vec<(Vec<u8>, i32)> = sealed_value::table
                        .filter(sealed_value::holder_id.eq_any(holders))
                        .select((sealed_value::holder_id, sealed_value::field))
                        .load(&mut connection)
                        .unwrap();
                    let held = held.into_iter().map(|(_, field)| field).collect();
                    let host = state::table
                        .find(edition.host_state.as_deref().unwrap())
                        .select(state::name_en)
                        .first(&mut connection)
                        .unwrap();
                    let withheld = withholding::table
                        .filter(withholding::incident_id.eq(&edition.incident_id))
                        .order(withholding::proposed_at.desc())
                        .select(withholding::states)
                        .load(&mut connection)
                        .unwrap();
                    (edition, handling, victims, suspects, held, host, withheld)
                })
                .await
                .unwrap();
                HttpResponse::Ok().json(found)
            }

            /// The rows of one reported incident with two victims, in one transaction, a statement for each table.
            pub async fn create(pool: web::Data<Bare>, author: web::Data<Author>, _: web::Bytes) -> HttpResponse {
                web::block(move || {
                    let connection = &mut *pool.get().unwrap();
                    AnsiTransactionManager::begin_transaction_sql(connection, $begin).unwrap();
                    let rows = Rows::new(&author);
                    diesel::insert_into(incident::table)
                        .values((
                            incident::id.eq(&rows.incident),
                            incident::reference.eq(&rows.edition.reference),
                            incident::created_by.eq(&author.0),
                            incident::created_at.eq(rows.handling.created_at),
                        ))
                        .execute(connection)
                        .unwrap();
                    let Rows { incident: id, edition, handling, victims, keys, sealed } = rows;
                    let at = handling.created_at;
                    diesel::insert_into(e::table).values(edition).execute(connection).unwrap();
                    diesel::insert_into(edition_handling::table).values(handling).execute(connection).unwrap();
                    diesel::insert_into(victim::table).values(victims).execute(connection).unwrap();
                    let keys: Vec<_> = keys
                        .into_iter()
                        .map(|(key, record)| {
                            (
                                data_key::id.eq(key),
                                data_key::epoch_id.eq(author.1.clone()),
                                data_key::record_id.eq(record),
                                data_key::class.eq("confidential"),
                                data_key::wrapped.eq(vec![7_u8; 61]),
                            )
                        })
                        .collect();
                    diesel::insert_into(data_key::table).values(keys).execute(connection).unwrap();
                    let sealed: Vec<_> = sealed
                        .into_iter()
                        .map(|(holder, field, record)| {
                            (
                                sealed_value::holder_id.eq(holder),
                                sealed_value::field.eq(field),
                                sealed_value::record_id.eq(record),
                                sealed_value::bytes.eq(vec![9_u8; 96]),
                            )
                        })
                        .collect();
                    diesel::insert_into(sealed_value::table).values(sealed).execute(connection).unwrap();
                    let entry = random(16);
                    diesel::insert_into(revision::table)
                        .values((
                            revision::id.eq(random(16)),
                            revision::noun.eq("incident"),
                            revision::record_id.eq(&id),
                            revision::root_id.eq(&id),
                            revision::edition.eq(1),
                            revision::kind.eq("created"),
                            revision::made_at.eq(at),
                            revision::author_id.eq(&author.0),
                            revision::open_changes.eq("x".repeat(700)),
                            revision::sealed_changes.eq("1,4,22,24,27,28,22,24,27,28"),
                            revision::audit_id.eq(&entry),
                        ))
                        .execute(connection)
                        .unwrap();
                    diesel::insert_into(audit_entry::table)
                        .values((
                            audit_entry::id.eq(&entry),
                            audit_entry::made_at.eq(at),
                            audit_entry::actor_id.eq(&author.0),
                            audit_entry::action.eq("bare.create"),
                            audit_entry::subject.eq("bare"),
                            audit_entry::body.eq("x".repeat(600)),
                            audit_entry::salt.eq(random(16)),
                        ))
                        .execute(connection)
                        .unwrap();
                    diesel::insert_into(audit_pending::table)
                        .values(audit_pending::entry_id.eq(&entry))
                        .execute(connection)
                        .unwrap();
                    diesel::insert_into(idempotency::table)
                        .values((
                            idempotency::account_id.eq(&author.0),
                            idempotency::route.eq("/bare"),
                            idempotency::key_hash.eq(random(32)),
                            idempotency::body_mac.eq(random(32)),
                            idempotency::status.eq(201),
                            idempotency::target.eq("bare"),
                            idempotency::made_at.eq(at),
                        ))
                        .execute(connection)
                        .unwrap();
                    AnsiTransactionManager::commit_transaction(connection).unwrap();
                })
                .await
                .unwrap();
                HttpResponse::Created().json("made")
            }

            pub fn pool(url: &str) -> web::Data<Bare> {
                let manager = ConnectionManager::new(url);
                let pool = Pool::builder().max_size(16).min_idle(Some(1)).test_on_check_out(false);
                web::Data::new(pool.connection_customizer(Box::new(Ready)).build(manager).unwrap())
            }

            #[derive(Debug)]
            struct Ready;

            impl diesel::r2d2::CustomizeConnection<$connection, diesel::r2d2::Error> for Ready {
                fn on_acquire(&self, connection: &mut $connection) -> Result<(), diesel::r2d2::Error> {
                    use diesel::connection::SimpleConnection;
                    // As durable, and with as much cache, as the service's own connections.
                    let ready = if $begin == "BEGIN IMMEDIATE" {
                        "PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                         PRAGMA foreign_keys = ON; PRAGMA cache_size = -4000;"
                    } else {
                        "SELECT 1"
                    };
                    connection.batch_execute(ready).map_err(diesel::r2d2::Error::QueryError)
                }
            }
        }
    };
}

bare!(sqlite, SqliteConnection, "BEGIN IMMEDIATE");
bare!(postgres, PgConnection, "BEGIN");

/// The author and epoch that made-up rows name.
struct Author(Vec<u8>, Vec<u8>);

struct Rows {
    incident: Vec<u8>,
    edition: Edition,
    handling: Handling,
    victims: Vec<Victim>,
    keys: Vec<(Vec<u8>, Vec<u8>)>,
    sealed: Vec<(Vec<u8>, i32, Vec<u8>)>,
}

fn random(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    rand::fill(&mut bytes[..]);
    bytes
}

fn ordered() -> Vec<u8> {
    uuid::Uuid::now_v7().into_bytes().to_vec()
}

impl Rows {
    fn new(author: &Author) -> Self {
        let (incident, id) = (ordered(), ordered());
        let now = chrono::Utc::now().naive_utc();
        let on = NaiveDate::from_ymd_opt(2022, 3, 4).unwrap();
        let edition = Edition {
            id: id.clone(),
            incident_id: incident.clone(),
            reference: format!("BARE-2022-{}", hex::encode(random(8))),
            number: 1,
            status: "draft".into(),
            is_current: true,
            is_released: false,
            mission: "MINUSMA".into(),
            host_state: Some("MLI".into()),
            occurred_on: on,
            occurred_on_precision: "day".into(),
            occurred_year: 2022,
            region: Some("ML-7".into()),
            act: "attack_on_convoy_transport".into(),
            means: "small_arms".into(),
            activity: "patrol".into(),
            perpetrator_category: "non_state_armed_group".into(),
            others_killed: 0,
            others_injured: 0,
            victims: 2,
            killed: 1,
            injured: 1,
            abducted: 0,
            detained: 0,
            still_held: 0,
            noticas_id: None,
            sage_id: None,
            public_file: false,
            updated_at: now,
            released_at: None,
            superseded_at: None,
        };
        let handling = Handling {
            edition_id: id.clone(),
            author_id: author.0.clone(),
            verifier_id: None,
            releaser_id: None,
            created_at: now,
            hold_reason: None,
            hold_review_on: None,
            reason: None,
            reason_fields: None,
            withdrawal_by: None,
            tag_confidential: random(8),
            tag_strictly_confidential: random(8),
        };
        let victims: Vec<Victim> = (0..2)
            .map(|position| Victim {
                id: ordered(),
                edition_id: id.clone(),
                victim_id: ordered(),
                handle: hex::encode(random(3)),
                position,
                category: "contingent_troop".into(),
                states: "TCD".into(),
                outcome: "killed".into(),
                sex_of_dead: Some("male".into()),
                noticas_id: None,
                kin_notified_on: Some(on),
                state_notified_on: Some(on),
                died_on: None,
                held_from: None,
                held_until: None,
                held_end: None,
            })
            .collect();
        let mut keys = vec![(random(16), incident.clone())];
        let mut sealed = vec![(id.clone(), 1, incident.clone()), (id.clone(), 4, incident.clone())];
        for victim in &victims {
            keys.extend([(random(16), victim.victim_id.clone()), (random(16), victim.victim_id.clone())]);
            sealed.extend([22, 24, 27, 28].map(|field| (victim.id.clone(), field, victim.victim_id.clone())));
        }
        Self { incident, edition, handling, victims, keys, sealed }
    }
}

async fn bytes(body: web::Data<Vec<u8>>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(web::Bytes::copy_from_slice(&body))
}

/// Serves until it is ended: `--bare URL AUTHOR EPOCH FILE`, the ids in hexadecimal; the file's bytes at `/bytes`.
pub fn serve(arguments: &[String]) {
    let [url, author, epoch, file] = arguments else { panic!("--bare URL AUTHOR EPOCH FILE") };
    let author = web::Data::new(Author(hex::decode(author).unwrap(), hex::decode(epoch).unwrap()));
    let body = web::Data::new(std::fs::read(file).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    macro_rules! serve {
        ($database:ident, $url:expr) => {{
            let pool = $database::pool($url);
            HttpServer::new(move || {
                App::new()
                    .app_data(pool.clone())
                    .app_data(author.clone())
                    .app_data(body.clone())
                    .route("/bytes", web::get().to(bytes))
                    .route("/page", web::get().to($database::page))
                    .route("/incident/{reference}", web::get().to($database::one))
                    .route("/create", web::post().to($database::create))
            })
            .workers(2)
            .listen(listener)
            .unwrap()
            .run()
            .await
        }};
    }
    actix_web::rt::System::new()
        .block_on(async move {
            match url.strip_prefix("sqlite://") {
                Some(path) => serve!(sqlite, path),
                None => serve!(postgres, url),
            }
        })
        .unwrap();
}
