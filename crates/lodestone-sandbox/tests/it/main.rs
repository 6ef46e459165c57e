//! The pool against workers that behave, crash, hang and overeat. The test program is also the worker it starts.

use std::io::{Read, Seek, SeekFrom};
#[cfg(unix)]
use std::os::fd::AsFd;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use lodestone_sandbox::{Enforced, Event, Limits, Outcome, Source, Start, Worker, enforced, serve};

const MEMORY: u64 = 1 << 30;
/// Whether this platform has a filter of system calls.
const FILTERED: bool = cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")));

fn main() {
    if std::env::args().nth(1).as_deref() == Some("__worker") {
        let ended = serve(MEMORY, work);
        std::process::exit(i32::from(ended.is_err()));
    }
    let trials = vec![
        Trial::test("a_worker_reads_all_bytes_of_any_size_by_asking", reads_everything),
        Trial::test("a_worker_may_seek", seeks),
        Trial::test("a_crash_is_an_outcome_and_the_next_job_works", crash),
        Trial::test("a_panic_says_why", panics),
        Trial::test("a_hang_is_killed_at_the_deadline", hangs),
        Trial::test("a_begin_restarts_the_deadline", steps),
        Trial::test("memory_beyond_the_limit_is_told_apart_from_a_crash", eats),
        Trial::test("a_read_error_reaches_the_worker", read_error),
        Trial::test("a_worker_cannot_write_files", cannot_write),
        Trial::test("a_program_that_is_missing_is_an_outcome", missing),
        Trial::test("a_worker_that_writes_what_is_no_frame_and_lives_on_is_ended", noise),
        Trial::test("a_worker_that_asks_and_does_not_read_is_killed_at_the_deadline", deaf),
        Trial::test("workers_are_replaced_after_their_share", recycled),
        Trial::test("a_worker_opens_no_socket_of_any_kind", no_socket),
        Trial::test("a_worker_reads_files_and_changes_none", changes_nothing),
        Trial::test("a_worker_starts_no_program_and_its_threads_neither", no_program),
        Trial::test("a_worker_and_its_threads_open_no_file_once_an_item_was_read", shut),
        Trial::test("what_holds_is_told_by_a_worker_that_tried", measured),
        Trial::test("a_worker_that_cannot_be_measured_is_an_outcome", not_measured),
        Trial::test("an_item_of_up_to_a_mebibyte_is_read_once_and_not_asked_for", one_trip),
        Trial::test("first_bytes_that_a_job_leaves_unread_do_not_reach_the_next", left_unread),
        Trial::test("a_worker_is_ended_from_another_thread", killed),
        Trial::test("a_worker_that_died_while_idle_is_replaced_before_the_next_job", died_idle),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn work(mut job: lodestone_sandbox::Job) -> std::io::Result<()> {
    let mut answers = job.answers();
    answers.begin(b"first")?;
    match job.request.as_slice() {
        b"sum" => {
            let mut bytes = Vec::new();
            let read = job.bytes.read_to_end(&mut bytes);
            let sum: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
            match read {
                Ok(_) => answers.emit(format!("{} {sum}", bytes.len()).as_bytes()),
                Err(error) => answers.emit(error.to_string().as_bytes()),
            }
        }
        b"seek" => {
            let mut byte = [0];
            job.bytes.seek(SeekFrom::End(-1))?;
            job.bytes.read_exact(&mut byte)?;
            let last = byte[0];
            job.bytes.seek(SeekFrom::Start(1))?;
            job.bytes.read_exact(&mut byte)?;
            answers.emit(&[last, byte[0]])
        }
        b"hang" => loop {
            std::thread::sleep(Duration::from_secs(1));
        },
        b"steps" => {
            for _ in 0..4 {
                std::thread::sleep(Duration::from_millis(250));
                answers.begin(b"next")?;
            }
            Ok(())
        }
        b"crash" => std::process::abort(),
        b"panic" => panic!("as asked"),
        b"eat" => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(vec![1; 64 << 20]);
            }
        }
        b"write" => {
            let path = std::env::temp_dir().join(format!("lodestone-may-not-write-{}", std::process::id()));
            let wrote = std::fs::write(&path, [0; 8192]).is_ok();
            let _ = std::fs::remove_file(&path);
            answers.emit(if wrote { b"wrote" } else { b"refused" })
        }
        path if path.starts_with(b"/") => {
            let path = std::path::PathBuf::from(String::from_utf8_lossy(path).into_owned());
            let changes = [
                std::fs::File::create(&path).map(drop),
                std::fs::OpenOptions::new().append(true).open(&path).map(drop),
                std::fs::remove_file(&path),
                std::fs::rename(&path, path.with_extension("moved")),
                std::fs::create_dir(path.with_extension("folder")),
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)),
            ];
            let codes: Vec<_> = changes.iter().map(|made| made.as_ref().err()?.raw_os_error()).collect();
            let read = std::fs::read(&path).map(|bytes| bytes.len());
            answers.emit(format!("{codes:?} {read:?}").as_bytes())
        }
        b"noise" => {
            use std::io::Write;
            // Past the pipe's own handle, as a library that prints would.
            let mut out = std::fs::File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
            out.write_all(b"hello, hello\n")?;
            loop {
                std::thread::sleep(Duration::from_secs(1));
            }
        }
        b"deaf" => {
            use std::io::Write;
            let mut out = std::fs::File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
            let mut request = b"R\x0c\0\0\0".to_vec();
            request.extend([0; 8]);
            request.extend((1u32 << 20).to_le_bytes());
            out.write_all(&request)?;
            loop {
                std::thread::sleep(Duration::from_secs(1));
            }
        }
        b"socket" => {
            let tcp = std::net::TcpStream::connect("127.0.0.1:9").err();
            let listener = std::net::TcpListener::bind("127.0.0.1:0").err();
            let udp = std::net::UdpSocket::bind("127.0.0.1:0").err();
            #[cfg(unix)]
            let local = std::os::unix::net::UnixStream::pair().err();
            #[cfg(not(unix))]
            let local: Option<std::io::Error> = None;
            let refused = [tcp, listener, udp, local];
            let codes: Vec<_> =
                refused.iter().map(|error| error.as_ref().and_then(std::io::Error::raw_os_error)).collect();
            answers.emit(format!("{codes:?}").as_bytes())
        }
        b"program" => {
            let start = || std::process::Command::new("/bin/true").status().map_err(|e| e.raw_os_error());
            let (own, other) = (start().err(), std::thread::spawn(start).join().map(Result::err));
            let sum: u64 = std::thread::scope(|scope| {
                let parts: Vec<_> = (0..4u64).map(|n| scope.spawn(move || n)).collect();
                parts.into_iter().filter_map(|part| part.join().ok()).sum()
            });
            answers.emit(format!("{own:?} {other:?} {sum}").as_bytes())
        }
        b"shut" => {
            let own = std::env::current_exe()?;
            let looks = |path: &std::path::Path| {
                let code = |error: Option<std::io::Error>| error.and_then(|error| error.raw_os_error());
                [
                    code(std::fs::File::open(path).err()),
                    code(std::fs::metadata(path).err()),
                    code(std::fs::read_dir("/").err()),
                    code(std::env::current_dir().err()),
                ]
            };
            let before = looks(&own);
            let read = job.bytes.read(&mut [0])?;
            let (after, other) = (looks(&own), std::thread::spawn(move || looks(&own)).join());
            answers.emit(format!("{before:?} {read} {after:?} {other:?}").as_bytes())
        }
        b"pid" => answers.emit(std::process::id().to_string().as_bytes()),
        _ => answers.emit(b"?"),
    }
}

fn worker(limits: Limits) -> Worker {
    let program = std::env::current_exe().expect("own path");
    Worker::new(Start { program, arguments: vec!["__worker".into()] }, limits)
}

fn run(worker: &mut Worker, request: &[u8], mut bytes: &[u8]) -> (Outcome, Vec<Event>) {
    let mut events = Vec::new();
    let outcome = worker.run(request, &mut bytes, &mut |event| events.push(event));
    (outcome, events)
}

fn emitted(events: &[Event]) -> Vec<u8> {
    events
        .iter()
        .find_map(|e| if let Event::Emit(value) = e { Some(value.clone()) } else { None })
        .unwrap_or_default()
}

fn check(holds: bool, why: impl std::fmt::Debug) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(format!("{why:?}").into()) }
}

fn reads_everything() -> Result<(), Failed> {
    let mut worker = worker(Limits::default());
    for size in [0, 1, (1 << 20) - 1, 1 << 20, (3 << 20) + 7] {
        let bytes = vec![3; size];
        let (outcome, events) = run(&mut worker, b"sum", &bytes);
        check(outcome == Outcome::Done, &outcome)?;
        check(events[0] == Event::Begin(b"first".to_vec()), &events[0])?;
        check(emitted(&events) == format!("{size} {}", size * 3).into_bytes(), (size, emitted(&events)))?;
    }
    Ok(())
}

fn seeks() -> Result<(), Failed> {
    let bytes: Vec<u8> = (0..=255).cycle().take((2 << 20) + 10).collect();
    let (_, events) = run(&mut worker(Limits::default()), b"seek", &bytes);
    check(emitted(&events) == [9, 1], emitted(&events))
}

fn crash() -> Result<(), Failed> {
    let mut worker = worker(Limits::default());
    let (outcome, events) = run(&mut worker, b"crash", b"");
    check(matches!(outcome, Outcome::Crashed { .. }), &outcome)?;
    check(events == [Event::Begin(b"first".to_vec())], &events)?;
    check(run(&mut worker, b"sum", b"\x01").0 == Outcome::Done, "after a crash")
}

fn panics() -> Result<(), Failed> {
    let (outcome, _) = run(&mut worker(Limits::default()), b"panic", b"");
    check(matches!(&outcome, Outcome::Crashed { detail } if detail.contains("as asked")), &outcome)
}

fn hangs() -> Result<(), Failed> {
    let limits = Limits { deadline: Duration::from_millis(300), ..Limits::default() };
    let started = Instant::now();
    let (outcome, _) = run(&mut worker(limits), b"hang", b"");
    check(outcome == Outcome::TimedOut && started.elapsed() < Duration::from_secs(20), &outcome)
}

fn steps() -> Result<(), Failed> {
    let limits = Limits { deadline: Duration::from_millis(900), ..Limits::default() };
    let (outcome, _) = run(&mut worker(limits), b"steps", b"");
    check(outcome == Outcome::Done, &outcome)
}

fn eats() -> Result<(), Failed> {
    if !cfg!(unix) || cfg!(target_os = "macos") {
        return Ok(());
    }
    let (outcome, _) = run(&mut worker(Limits::default()), b"eat", b"");
    check(outcome == Outcome::OutOfMemory, &outcome)
}

fn read_error() -> Result<(), Failed> {
    struct Broken;
    impl Source for Broken {
        fn size(&self) -> u64 {
            10
        }
        fn read_at(&mut self, _: u64, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let mut events = Vec::new();
    let outcome = worker(Limits::default()).run(b"sum", &mut Broken, &mut |event| events.push(event));
    check(outcome == Outcome::Done && emitted(&events) == b"the disk is gone", (&outcome, emitted(&events)))
}

fn cannot_write() -> Result<(), Failed> {
    if !cfg!(unix) {
        return Ok(());
    }
    let (outcome, events) = run(&mut worker(Limits::default()), b"write", b"");
    // Linux ends a process that writes beyond RLIMIT_FSIZE with a signal, unless it is ignored.
    check(emitted(&events) != b"wrote", (&outcome, emitted(&events)))
}

fn missing() -> Result<(), Failed> {
    let start = Start { program: "/nonexistent/lodestone".into(), arguments: Vec::new() };
    let (outcome, _) = run(&mut Worker::new(start, Limits::default()), b"sum", b"");
    check(matches!(outcome, Outcome::NotStarted(_)), &outcome)
}

fn noise() -> Result<(), Failed> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let started = Instant::now();
    let (outcome, _) = run(&mut worker(Limits::default()), b"noise", b"");
    let soon = started.elapsed() < Duration::from_secs(30);
    check(matches!(outcome, Outcome::Crashed { .. }) && soon, &outcome)
}

fn deaf() -> Result<(), Failed> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let limits = Limits { deadline: Duration::from_millis(500), ..Limits::default() };
    let (outcome, _) = run(&mut worker(limits), b"deaf", &vec![1; 1 << 20]);
    check(outcome == Outcome::TimedOut, &outcome)
}

fn recycled() -> Result<(), Failed> {
    let mut worker = worker(Limits { jobs_per_worker: 2, ..Limits::default() });
    let pids: Vec<_> = (0..3).map(|_| emitted(&run(&mut worker, b"pid", b"").1)).collect();
    check(pids[0] == pids[1] && pids[1] != pids[2], &pids)
}

/// `EPERM`. A socket that the filter lets through would be refused in another way, or not at all.
fn no_socket() -> Result<(), Failed> {
    if !FILTERED {
        return Ok(());
    }
    let (outcome, events) = run(&mut worker(Limits::default()), b"socket", b"");
    let said = String::from_utf8_lossy(&emitted(&events)).into_owned();
    check(said == "[Some(1), Some(1), Some(1), Some(1)]", (outcome, said))
}

fn changes_nothing() -> Result<(), Failed> {
    if !FILTERED {
        return Ok(());
    }
    let path = std::env::temp_dir().join(format!("lodestone-stays-as-it-is-{}", std::process::id()));
    std::fs::write(&path, b"evidence")?;
    let (outcome, events) = run(&mut worker(Limits::default()), path.to_string_lossy().as_bytes(), b"");
    let held = std::fs::read(&path);
    std::fs::remove_file(&path)?;
    let said = String::from_utf8_lossy(&emitted(&events)).into_owned();
    let refused = "[Some(1), Some(1), Some(1), Some(1), Some(1), Some(1)] Ok(8)";
    check(said == refused && held? == b"evidence", (outcome, said))
}

fn no_program() -> Result<(), Failed> {
    if !FILTERED {
        return Ok(());
    }
    let (outcome, events) = run(&mut worker(Limits::default()), b"program", b"");
    let said = String::from_utf8_lossy(&emitted(&events)).into_owned();
    check(said == "Some(Some(1)) Ok(Some(Some(1))) 6", (outcome, said))
}

fn shut() -> Result<(), Failed> {
    if !FILTERED {
        return Ok(());
    }
    let (outcome, events) = run(&mut worker(Limits::default()), b"shut", b"item");
    let said = String::from_utf8_lossy(&emitted(&events)).into_owned();
    let refused = "[Some(1), Some(1), Some(1), Some(1)]";
    let expected = format!("[None, None, None, None] 1 {refused} Ok({refused})");
    check(said == expected, (outcome, said))
}

fn start() -> Start {
    Start { program: std::env::current_exe().expect("own path"), arguments: vec!["__worker".into()] }
}

fn measured() -> Result<(), Failed> {
    let limits = Limits { memory_bytes: MEMORY, ..Limits::default() };
    let told = enforced(&start(), limits).map_err(|outcome| format!("{outcome:?}"))?;
    if !cfg!(unix) {
        return check(told == Enforced::default(), told);
    }
    check(told.rlimits, told)?;
    if FILTERED {
        // Landlock is the kernel's affair; all else is ours.
        let with_landlock = Enforced { landlock: lodestone_sandbox::Landlock::Partial { abi: 1 }, ..told };
        check(with_landlock.is_complete(), told)?;
        let line = told.to_string();
        check(
            line.starts_with("rlimits, seccomp") && line.ends_with("no files read, no files written"),
            line,
        )?;
    }
    Ok(())
}

fn not_measured() -> Result<(), Failed> {
    let start = Start { program: "/nonexistent/lodestone".into(), arguments: Vec::new() };
    let told = enforced(&start, Limits::default());
    check(matches!(told, Err(Outcome::NotStarted(_))), told)?;
    // A program that is no worker of ours: it runs its tests, or lists them.
    let start = Start { program: std::env::current_exe()?, arguments: vec!["--list".into()] };
    let told = enforced(&start, Limits::default());
    check(told.is_err(), told)
}

/// Bytes that count how often they are read.
struct Counted<'a>(&'a [u8], usize);

impl Source for Counted<'_> {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }
    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> std::io::Result<usize> {
        self.1 += 1;
        self.0.read_at(offset, into)
    }
}

fn one_trip() -> Result<(), Failed> {
    let mut worker = worker(Limits::default());
    for (size, reads) in [(0, 0), (1, 1), (1 << 20, 1), ((1 << 20) + 1, 2)] {
        let bytes = vec![1; size];
        let mut source = Counted(&bytes, 0);
        let mut events = Vec::new();
        let outcome = worker.run(b"sum", &mut source, &mut |event| events.push(event));
        let said = emitted(&events);
        check(outcome == Outcome::Done && said == format!("{size} {size}").into_bytes(), (size, said))?;
        check(source.1 == reads, (size, source.1))?;
    }
    Ok(())
}

fn left_unread() -> Result<(), Failed> {
    let mut worker = worker(Limits::default());
    let pid = emitted(&run(&mut worker, b"pid", &vec![7; 3 << 20]).1);
    let (outcome, events) = run(&mut worker, b"sum", b"\x01\x02");
    check(outcome == Outcome::Done && emitted(&events) == b"2 3", (&outcome, emitted(&events)))?;
    check(emitted(&run(&mut worker, b"pid", b"").1) == pid, "another process")
}

fn killed() -> Result<(), Failed> {
    let mut worker = worker(Limits::default());
    let killer = worker.killer();
    let hand = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        killer.kill();
    });
    let (outcome, _) = run(&mut worker, b"hang", b"");
    let _ = hand.join();
    check(matches!(outcome, Outcome::Crashed { .. }), &outcome)?;
    check(run(&mut worker, b"sum", b"\x01").0 == Outcome::Done && worker.starts() == 2, "after a kill")
}

fn died_idle() -> Result<(), Failed> {
    let mut worker = worker(Limits::default());
    check(!worker.is_ready(), "ready before it was needed")?;
    check(run(&mut worker, b"sum", b"\x01").0 == Outcome::Done && worker.is_ready(), "the first job")?;
    worker.killer().kill();
    let since = Instant::now();
    while worker.is_ready() && since.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let (outcome, events) = run(&mut worker, b"sum", b"\x01");
    check(outcome == Outcome::Done && emitted(&events) == b"1 1", &outcome)
}
