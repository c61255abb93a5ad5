//! A queue of lines for standard error, so that logging never blocks.
//!
//! Writing to standard error blocks while its reader stalls and the pipe is full. So lines go into a
//! bounded queue, and one thread writes them. Lines that do not fit are dropped and counted, and the log
//! tells how many as soon as it is read again.

use std::io::{self, ErrorKind, Write};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use crate::base::mutex::lock;

/// The target of the warning that lines were dropped.
pub(super) const TARGET: &str = module_path!();

/// The capacity of the queue in bytes: more than a thousand lines.
const BOUND: usize = 256 * 1024;

/// The pause before the next try if standard error is nonblocking (`O_NONBLOCK`) and full.
const PAUSE: Duration = Duration::from_millis(20);

/// The queue of standard error; `None` if its thread could not be started.
static STDERR: OnceLock<Option<&'static Queue>> = OnceLock::new();

fn start() -> Option<&'static Queue> {
    static QUEUE: Queue = Queue::new();
    let writer = thread::Builder::new().name("log".to_owned());
    let spawned = writer.spawn(|| Writer::new(io::stderr()).write_for_ever(&QUEUE));
    spawned.is_ok().then_some(&QUEUE)
}

/// Queues whole lines for standard error.
pub(super) fn push(lines: &[u8]) {
    match STDERR.get_or_init(start) {
        Some(queue) => queue.push(lines),
        None => {
            // Without the thread the line is written here. An error cannot be reported anywhere.
            let _ = io::stderr().write_all(lines);
        }
    }
}

/// Waits until all lines are written, for `limit` at most.
pub(super) fn drain(limit: Duration) {
    if let Some(Some(queue)) = STDERR.get() {
        queue.drain(limit);
    }
}

/// The writer of events: it queues them.
#[derive(Debug)]
pub(super) struct Lines;

impl Write for Lines {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        push(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines that wait to be written, and the number of those that were dropped.
#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    waiting: Vec<u8>,
    dropped: u64,
    is_writing: bool,
}

impl Queue {
    const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                waiting: Vec::new(),
                dropped: 0,
                is_writing: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn push(&self, lines: &[u8]) {
        let mut state = lock(&self.state);
        if state.waiting.len() + lines.len() <= BOUND {
            state.waiting.extend_from_slice(lines);
        } else {
            state.dropped += count(lines);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for lines and takes all of them; and the number of dropped ones, if `is_read`: the last line
    /// could be written.
    fn take(&self, is_read: bool) -> (Vec<u8>, u64) {
        let mut state = lock(&self.state);
        state.is_writing = false;
        self.changed.notify_all();
        let has_news =
            |state: &mut State| !state.waiting.is_empty() || (is_read && state.dropped > 0);
        let waited = self.changed.wait_while(state, |state| !has_news(state));
        state = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_writing = true;
        let dropped = match is_read {
            true => std::mem::take(&mut state.dropped),
            false => 0,
        };
        (std::mem::take(&mut state.waiting), dropped)
    }

    fn lose(&self, lines: u64) {
        lock(&self.state).dropped += lines;
    }

    fn drain(&self, limit: Duration) {
        let is_busy = |state: &mut State| state.is_writing || !state.waiting.is_empty();
        let state = lock(&self.state);
        // Done or not, the time is over.
        drop(self.changed.wait_timeout_while(state, limit, is_busy));
    }
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// Writes each line with one call: the kernel does not split a short one, even if several processes write
/// into one pipe.
struct Writer<W> {
    out: W,
    /// Whether the last line was written in part.
    is_torn: bool,
}

impl<W: Write> Writer<W> {
    fn new(out: W) -> Self {
        Self {
            out,
            is_torn: false,
        }
    }

    fn write_for_ever(&mut self, queue: &Queue) {
        let mut is_read = true;
        loop {
            let (lines, dropped) = queue.take(is_read);
            if dropped > 0 {
                // After the lines that were taken just now.
                tracing::warn!(
                    lines = dropped,
                    "lines of the log were dropped, because it was not read or could not be written"
                );
            }
            for line in lines.split_inclusive(|byte| *byte == b'\n') {
                is_read = self.write_line(line).is_ok();
                if !is_read {
                    queue.lose(1);
                }
            }
        }
    }

    fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.write_all(b"\n")?;
            self.is_torn = false;
        }
        self.write_all(line)
    }

    fn write_all(&mut self, mut left: &[u8]) -> io::Result<()> {
        let length = left.len();
        while !left.is_empty() {
            match self.out.write(left) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => left = left.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
                Err(error) => {
                    self.is_torn |= left.len() < length;
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Accepts the given number of bytes at a time, or fails, and then accepts all.
    #[derive(Default)]
    struct Pipe {
        moods: VecDeque<io::Result<usize>>,
        text: Vec<u8>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let most = self.moods.pop_front().unwrap_or(Ok(bytes.len()))?;
            let taken = bytes.get(..most).unwrap_or(bytes);
            self.text.extend_from_slice(taken);
            Ok(taken.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_finds_no_room_is_counted_and_told_once_the_log_is_read() {
        let queue = Queue::new();
        let line = [vec![b'x'; 1023], vec![b'\n']].concat();
        for _ in 0..BOUND / 1024 {
            queue.push(&line);
        }
        queue.push(b"one\ntwo\n");
        queue.push(b"three\n");
        // While the log is not read, it cannot tell.
        let (lines, dropped) = queue.take(false);
        assert_eq!((lines.len(), dropped), (BOUND, 0));
        queue.lose(1);
        queue.push(b"four\n");
        assert_eq!(queue.take(true), (b"four\n".to_vec(), 4));
        // It is told without a line, too.
        queue.lose(1);
        assert_eq!(queue.take(true), (Vec::new(), 1));
    }

    #[test]
    fn the_end_waits_for_what_is_written_and_not_for_ever() {
        static QUEUE: Queue = Queue::new();
        QUEUE.push(b"line\n");
        QUEUE.drain(Duration::from_millis(10));
        assert_eq!(QUEUE.take(true).0, b"line\n");
        let ends = thread::spawn(|| QUEUE.take(true));
        QUEUE.drain(Duration::from_secs(60));
        QUEUE.push(b"last\n");
        assert_eq!(ends.join().unwrap().0, b"last\n");
    }

    #[test]
    fn lines_are_whole_whatever_becomes_of_writing() {
        let refusal = |kind: ErrorKind| Err(io::Error::from(kind));
        let moods = [
            Ok(2),
            refusal(ErrorKind::Interrupted),
            refusal(ErrorKind::WouldBlock),
            Ok(100),
            Ok(3),
            refusal(ErrorKind::StorageFull),
            refusal(ErrorKind::StorageFull),
        ];
        let mut writer = Writer::new(Pipe {
            moods: moods.into(),
            ..Pipe::default()
        });
        let written = ["first\n", "second\n", "third\n", "fourth\n"]
            .map(|line| writer.write_line(line.as_bytes()).is_ok());
        assert_eq!(written, [true, false, false, true]);
        assert_eq!(
            String::from_utf8_lossy(&writer.out.text),
            "first\nsec\nfourth\n"
        );
    }
}
