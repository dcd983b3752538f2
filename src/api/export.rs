//! Whole lists as files: streamed in chunks out of one snapshot, with memory that does not grow with the list, and stopped
//! when the client goes away.

use std::io::{Read as _, Seek as _};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header;
use actix_web::rt::task::spawn_blocking;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use tokio::sync::mpsc;

use super::call::Call;
use super::list::{File, Part};
use super::problem::Problem;
use crate::exchange::{CsvTable, XlsxTable};
use crate::policy::Viewer;
use crate::store::{Cursor, Page, Read, Result as StoreResult};

/// Rows read at a time.
const CHUNK: i64 = 500;
/// Chunks that wait for a slow client; then reading waits too.
const AHEAD: usize = 1;
/// Exports at once, on one node: each holds a connection.
const AT_ONCE: usize = 4;

static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// How many exports run on this node.
pub(super) fn running() -> usize {
    RUNNING.load(Ordering::Acquire)
}

/// One of the exports at once.
struct Turn;

impl Turn {
    fn take() -> Result<Self, Problem> {
        let turn = Self;
        if RUNNING.fetch_add(1, Ordering::AcqRel) < AT_ONCE { Ok(turn) } else { Err(Problem::of("busy")) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A body out of a channel. What ends with an error is cut off, so that nobody takes half a list for a whole one.
struct Stream {
    first: Option<Bytes>,
    rest: mpsc::Receiver<Result<Bytes, Problem>>,
}

impl MessageBody for Stream {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        self.rest.poll_recv(context).map(|next| next.map(|part| part.map_err(|problem| problem.to_string().into())))
    }
}

/// How long a client may take nothing of a file, until it is given up: its snapshot and connection are wanted elsewhere.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the parts of a file go.
struct Sender {
    parts: mpsc::Sender<Result<Bytes, Problem>>,
    runtime: tokio::runtime::Handle,
}

impl Sender {
    /// Gives a part; `false` when the client went away, or takes nothing.
    fn give(&self, part: Result<Bytes, Problem>) -> bool {
        self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, self.parts.send(part)).await.is_ok_and(|sent| sent.is_ok())
        })
    }

    fn is_closed(&self) -> bool {
        self.parts.is_closed()
    }
}

/// Reads a list in chunks, in one snapshot, and gives each to `take` until that says it is enough.
fn walk<T>(
    call: &Call,
    viewer: &Viewer,
    list: impl Fn(&Viewer, &mut Read<'_>, Part<'_>) -> StoreResult<Page<T>>,
    mut take: impl FnMut(Vec<T>) -> bool,
) -> Result<(), Problem> {
    call.app().store.read_as(viewer, |r| {
        let mut after: Option<Cursor> = None;
        loop {
            let part = Part { after: after.as_ref(), limit: CHUNK, whole: true };
            let page = list(viewer, r, part)?;
            if !take(page.items) || page.next.is_none() {
                return Ok(());
            }
            after = page.next;
        }
    })?;
    Ok(())
}

/// Streams a whole list as CSV: one thread reads, another writes cells, and neither is more than a chunk or two ahead of the
/// client.
fn csv<T: Serialize + Send + 'static>(
    call: &Call,
    viewer: &Viewer,
    list: impl Fn(&Viewer, &mut Read<'_>, Part<'_>) -> StoreResult<Page<T>>,
    out: &Sender,
) -> Result<(), Problem> {
    let (pages, read) = std::sync::mpsc::sync_channel::<Vec<T>>(AHEAD);
    std::thread::scope(|threads| {
        let writing = threads.spawn(move || {
            let mut table = CsvTable::default();
            for items in read {
                for item in &items {
                    if table.add(item).is_err() {
                        out.give(Err(Problem::of("internal")));
                        return;
                    }
                }
                // The client went away: the reader notices that nobody takes its pages.
                if !out.give(Ok(table.take().into())) {
                    return;
                }
            }
        });
        let walked = walk(call, viewer, list, |items| pages.send(items).is_ok());
        drop(pages);
        writing.join().map_err(|_| Problem::of("internal"))?;
        walked
    })
}

/// Makes a sheet of a whole list in a temporary file; the file is gone when it is closed.
fn xlsx<T: Serialize>(
    call: &Call,
    viewer: &Viewer,
    list: impl Fn(&Viewer, &mut Read<'_>, Part<'_>) -> StoreResult<Page<T>>,
    out: &Sender,
) -> Result<std::fs::File, Problem> {
    let failed = |error: crate::exchange::NotWritten| match error {
        crate::exchange::NotWritten::TooMany => Problem::of("invalid").saying(format!(
            "a sheet takes {} rows: narrow the list down, or take it as CSV",
            crate::exchange::SHEET_ROWS
        )),
        error => {
            tracing::error!(%error, "a sheet could not be written");
            Problem::of("internal")
        }
    };
    let mut table = XlsxTable::new(call.list_name()).map_err(failed)?;
    let mut refused = None;
    walk(call, viewer, list, |items| {
        refused = items.iter().find_map(|item| table.add(item).err());
        refused.is_none() && !out.is_closed()
    })?;
    if let Some(error) = refused {
        return Err(failed(error));
    }
    let io = |_| Problem::of("full");
    let mut file = tempfile::tempfile().map_err(io)?;
    table.save(file.try_clone().map_err(io)?).map_err(failed)?;
    file.rewind().map_err(io)?;
    Ok(file)
}

/// Answers with a whole list as a file.
///
/// # Errors
/// 401; 503 when too many exports run; those of `list` before the first row.
pub(super) async fn whole<T: Serialize + Send + 'static>(
    call: &Call,
    file: File,
    sight: impl FnOnce(&Viewer) -> StoreResult<Viewer> + Send + 'static,
    list: impl Fn(&Viewer, &mut Read<'_>, Part<'_>) -> StoreResult<Page<T>> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let (parts, mut rest) = mpsc::channel(AHEAD);
    let out = Sender { parts, runtime: tokio::runtime::Handle::current() };
    let turn = Turn::take()?;
    let working = call.clone();
    spawn_blocking(move || {
        let _turn = turn;
        let done = working.session().and_then(|session| {
            let viewer = sight(&session.account.viewer)?;
            match file {
                File::Csv => csv(&working, &viewer, list, &out),
                File::Xlsx => {
                    send(&mut xlsx(&working, &viewer, list, &out)?, &out);
                    Ok(())
                }
            }
        });
        if let Err(problem) = done {
            out.give(Err(problem));
        }
    });
    // What fails before the first part is a problem with its status; what fails later cuts the body off.
    let first = rest.recv().await.transpose()?;
    Ok(head(call, file).body(Stream { first, rest }))
}

fn send(file: &mut std::fs::File, out: &Sender) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let part = match file.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => Ok(Bytes::copy_from_slice(&buffer[..read])),
            Err(_) => Err(Problem::of("internal")),
        };
        if !out.give(part) {
            return;
        }
    }
}

/// The head of a file's answer.
pub(super) fn head(call: &Call, file: File) -> HttpResponseBuilder {
    let (kind, ending) = match file {
        File::Xlsx => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        File::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
    };
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, kind)).insert_header((
        header::CONTENT_DISPOSITION,
        format!("attachment; filename=\"{}.{ending}\"", call.list_name()),
    ));
    response
}

/// A page as a file.
///
/// # Errors
/// 500.
pub(super) fn page<T: Serialize>(call: &Call, file: File, items: &[T]) -> Result<Vec<u8>, Problem> {
    let failed = |_| Problem::of("internal");
    match file {
        File::Csv => {
            let mut table = CsvTable::default();
            for item in items {
                table.add(item).map_err(|_| Problem::of("internal"))?;
            }
            Ok(table.take())
        }
        File::Xlsx => {
            let mut table = XlsxTable::new(call.list_name()).map_err(failed)?;
            for item in items {
                table.add(item).map_err(failed)?;
            }
            let mut file = tempfile::tempfile().map_err(|_| Problem::of("full"))?;
            table.save(file.try_clone().map_err(|_| Problem::of("internal"))?).map_err(failed)?;
            let mut bytes = Vec::new();
            file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(|_| Problem::of("internal"))?;
            Ok(bytes)
        }
    }
}
