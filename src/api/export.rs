//! Whole lists as files: streamed in chunks out of one snapshot, with memory that does not grow with the list, and stopped
//! when the client goes away.

use std::io::{Read as _, Seek as _};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
use super::part::{File, Part};
use super::problem::Problem;
use crate::exchange::{CsvTable, XlsxTable};
use crate::policy::Viewer;
use crate::store::{Cursor, Page, Read, Result as StoreResult};

/// Rows read at a time: what libpq holds of so many stays under the size from which the system's allocator gives memory back
/// after each chunk, which costs more than the shorter chunk's own trip.
const CHUNK: i64 = 250;
/// Chunks that wait for a slow client; then reading waits too.
const AHEAD: usize = 1;

/// A body out of a channel. What did not come to its end is cut off, whatever the reason, so that nobody takes half a list for
/// a whole one: a client that was given up and reads on must not find a proper end.
struct Stream {
    first: Option<Bytes>,
    rest: mpsc::Receiver<Result<Bytes, Problem>>,
    whole: Arc<AtomicBool>,
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
        self.rest.poll_recv(context).map(|next| match next {
            Some(part) => Some(part.map_err(|problem| problem.to_string().into())),
            None if self.whole.load(Ordering::Acquire) => None,
            None => Some(Err("the list did not come to its end".into())),
        })
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

/// Streams a whole list as CSV, and tells whether the client took all of it: one thread reads, another writes cells, and neither is more than a chunk or two ahead of the
/// client.
fn csv<T: Serialize + Send + 'static>(
    call: &Call,
    viewer: &Viewer,
    list: impl Fn(&Viewer, &mut Read<'_>, Part<'_>) -> StoreResult<Page<T>>,
    out: &Sender,
) -> Result<bool, Problem> {
    let (pages, read) = std::sync::mpsc::sync_channel::<Vec<T>>(AHEAD);
    std::thread::scope(|threads| {
        let writing = threads.spawn(move || {
            let mut table = CsvTable::default();
            for items in read {
                for item in &items {
                    if table.add(item).is_err() {
                        out.give(Err(Problem::of("internal")));
                        return false;
                    }
                }
                // The client went away: the reader notices that nobody takes its pages. An empty part would be the answer's end.
                let part = table.take();
                if !part.is_empty() && !out.give(Ok(part.into())) {
                    return false;
                }
            }
            true
        });
        let walked = walk(call, viewer, list, |items| pages.send(items).is_ok());
        drop(pages);
        let written = writing.join().map_err(|_| Problem::of("internal"))?;
        walked.map(|()| written)
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
        crate::exchange::NotWritten::TooMany => Problem::of("invalid").with_detail(format!(
            "A sheet can have at most {} rows. Filter the list, or export it as CSV.",
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
/// 401; 503 when too many exports run, or one of the viewer's; those of `list` before the first row.
pub(super) async fn whole<T: Serialize + Send + 'static>(
    call: &Call,
    file: File,
    effective_viewer: impl FnOnce(&Viewer) -> StoreResult<Viewer> + Send + 'static,
    list: impl Fn(&Viewer, &mut Read<'_>, Part<'_>) -> StoreResult<Page<T>> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let (parts, mut rest) = mpsc::channel(AHEAD);
    let out = Sender { parts, runtime: tokio::runtime::Handle::current() };
    let working = call.clone();
    let whole = Arc::new(AtomicBool::new(false));
    let ended = whole.clone();
    spawn_blocking(move || {
        let done = working.session().and_then(|session| {
            let _turn = working.app().exports.take(session.account.viewer.account)?;
            let viewer = effective_viewer(&session.account.viewer)?;
            match file {
                File::Csv => csv(&working, &viewer, list, &out),
                File::Xlsx => Ok(send(&mut xlsx(&working, &viewer, list, &out)?, &out)),
            }
        });
        match done {
            Ok(taken) => ended.store(taken, Ordering::Release),
            Err(problem) => {
                out.give(Err(problem));
            }
        }
    });
    // What fails before the first part is a problem with its status; what fails later cuts the body off.
    let first = rest.recv().await.transpose()?;
    Ok(head(call, file).body(Stream { first, rest, whole }))
}

/// Gives a file in parts, and tells whether the client took all of it.
fn send(file: &mut std::fs::File, out: &Sender) -> bool {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let part = match file.read(&mut buffer) {
            Ok(0) => return true,
            Ok(read) => Ok(Bytes::copy_from_slice(&buffer[..read])),
            Err(_) => Err(Problem::of("internal")),
        };
        let failed = part.is_err();
        if !out.give(part) || failed {
            return false;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a client reads of a file whose producer did `work`, and whether it ended as a whole one does.
    fn read(work: impl FnOnce(Sender, Arc<AtomicBool>) + Send + 'static) -> (Vec<u8>, bool) {
        actix_web::rt::System::new().block_on(async {
            let (parts, rest) = mpsc::channel(AHEAD);
            let out = Sender { parts, runtime: tokio::runtime::Handle::current() };
            let whole = Arc::new(AtomicBool::new(false));
            let ended = whole.clone();
            spawn_blocking(move || work(out, ended));
            let mut stream = Stream { first: None, rest, whole };
            let mut bytes = Vec::new();
            loop {
                match std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
                    Some(Ok(part)) => bytes.extend_from_slice(&part),
                    Some(Err(_)) => return (bytes, false),
                    None => return (bytes, true),
                }
            }
        })
    }

    #[test]
    fn a_file_that_did_not_come_to_its_end_is_cut_off() {
        let part = || Ok(Bytes::from_static(b"one"));
        let finished = read(move |out, whole| {
            assert!(out.give(part()));
            whole.store(true, Ordering::Release);
        });
        assert_eq!(finished, (b"one".to_vec(), true));
        let given_up = read(move |out, _| assert!(out.give(part())));
        assert_eq!(given_up, (b"one".to_vec(), false));
        let failed = read(move |out, _| assert!(out.give(part()) && out.give(Err(Problem::of("internal")))));
        assert_eq!(failed, (b"one".to_vec(), false));
    }

    #[test]
    fn nothing_is_given_to_a_client_that_went_away() {
        actix_web::rt::System::new().block_on(async {
            let (parts, rest) = mpsc::channel(AHEAD);
            let out = Sender { parts, runtime: tokio::runtime::Handle::current() };
            drop(rest);
            let given = spawn_blocking(move || (out.is_closed(), out.give(Ok(Bytes::new())))).await.unwrap();
            assert_eq!(given, (true, false));
        });
    }
}
