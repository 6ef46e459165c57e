//! The pool against workers that behave, crash, hang and overeat, and its own limits. The test program is also the worker
//! it starts.

use std::io::{Read, Seek};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use lodestone_engine::pool::{Answer, Counts, Job, Kind, Pool, PoolOptions, Refused};
use lodestone_engine::{KitFiles, KitSources, ObserveOptions, Service, Start};
use lodestone_types::Stage;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("__worker") {
        let memory = std::env::args().nth(2).and_then(|bytes| bytes.parse().ok()).unwrap_or(1 << 30);
        let mut service = Service::default();
        let ended = lodestone_sandbox::serve(memory, |job| misbehave(job, &mut service));
        std::process::exit(i32::from(ended.is_err()));
    }
    let trials = vec![
        Trial::test("a_picture_is_answered_with_digests_and_hash_and_findings_only_when_examined", answers),
        Trial::test("where_nobody_asks_for_exact_bytes_there_is_the_hash_alone", prints),
        Trial::test("a_crash_is_counted_and_unreadable_and_the_next_job_works", crashes),
        Trial::test("a_hang_and_too_much_memory_are_told_apart", hangs_and_eats),
        Trial::test("bytes_that_ended_two_workers_are_given_to_no_third", quarantines),
        Trial::test("an_archive_and_a_film_are_unsupported_and_not_without_match", unsupported),
        Trial::test("a_full_queue_is_told_at_once_and_every_job_taken_is_answered", busy),
        Trial::test("draining_finishes_what_waits_and_takes_nothing_new", drains),
        Trial::test("draining_without_patience_answers_what_is_left", drains_late),
        Trial::test("stopping_answers_what_runs_and_what_waits", stops),
        Trial::test("workers_that_cannot_be_started_are_told_and_jobs_are_not_kept", not_started),
        Trial::test("a_kit_that_cannot_be_loaded_is_trouble", no_kit),
        Trial::test("the_operators_lists_are_loaded_before_files_are_shut", own_kit),
        Trial::test("a_reply_that_panics_costs_no_worker", bad_reply),
        Trial::test("a_worker_that_died_while_idle_costs_no_job", died_idle),
        Trial::test("everything_holds_in_a_worker_where_the_kernel_has_it", enforced),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Does as the first bytes say, else what a worker does.
fn misbehave(mut job: lodestone_sandbox::Job, service: &mut Service) -> std::io::Result<()> {
    let mut head = [0; 8];
    let n = job.bytes.read(&mut head)?;
    job.bytes.rewind()?;
    match &head[..n.min(4)] {
        b"!dea" => std::process::abort(),
        b"!han" => loop {
            std::thread::sleep(Duration::from_secs(1));
        },
        b"!eat" => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(vec![0; 256 << 20]);
            }
        }
        b"!slo" => std::thread::sleep(Duration::from_millis(400)),
        _ => {}
    }
    service.answer(job)
}

fn options() -> PoolOptions {
    let observe = ObserveOptions { max_memory: 256 << 20, max_bytes: 16 << 20, ..ObserveOptions::default() };
    let mut options = PoolOptions {
        start: Start { program: std::env::current_exe().expect("own path"), arguments: Vec::new() },
        workers: 1,
        queue: 8,
        observe,
        deadline: Duration::from_secs(30),
    };
    options.start.arguments = vec!["__worker".into(), options.memory_bytes().to_string().into()];
    options
}

fn pool(options: &PoolOptions) -> Result<Pool, Failed> {
    let pool = Pool::start(options)?;
    let since = Instant::now();
    while pool.alive() < options.workers {
        if since.elapsed() > Duration::from_secs(60) {
            return Err(format!("not ready: {:?}", pool.trouble()).into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(pool)
}

fn send(pool: &Pool, bytes: impl Into<Vec<u8>>, kind: Kind) -> Result<Receiver<Answer>, Refused> {
    let (sender, answer) = channel();
    pool.submit(Job::new(bytes.into(), kind), move |answer| {
        let _ = sender.send(answer);
    })?;
    Ok(answer)
}

fn ask(pool: &Pool, bytes: impl Into<Vec<u8>>, kind: Kind) -> Result<Answer, Failed> {
    Ok(send(pool, bytes, kind)?.recv_timeout(Duration::from_secs(60))?)
}

fn why(answer: &Answer) -> String {
    let why = answer.observation.unreadable.as_ref();
    why.map_or_else(String::new, |why| {
        format!("{}{}", if why.stage == Stage::Worker { "worker " } else { "" }, why.reason)
    })
}

fn check(holds: bool, why: impl std::fmt::Debug) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(format!("{why:?}").into()) }
}

/// A drawing of waves, 200 × 160.
fn picture() -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..160u32 {
        for x in 0..200u32 {
            let wave = (x * x / 90 + y * 3) % 256;
            pixels.extend([wave as u8, (wave / 2 + y) as u8, (255 - wave) as u8]);
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 200, 160);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("header");
    writer.write_image_data(&pixels).expect("pixels");
    writer.finish().expect("end");
    file
}

fn prints() -> Result<(), Failed> {
    let pool = pool(&options())?;
    let hashed = ask(&pool, picture(), Kind::Hash)?.observation;
    let print = ask(&pool, picture(), Kind::Print)?.observation;
    check(print.digests.is_none() && print.fingerprints == hashed.fingerprints, &print)?;
    check((print.size_bytes, &print.format) == (hashed.size_bytes, &hashed.format), &print)?;
    // What cannot be read says so all the same; what ended a worker has its digests, by which it is known again.
    check(why(&ask(&pool, *b"no picture", Kind::Print)?) == "unsupported", "no picture")?;
    let dead = ask(&pool, *b"!dead", Kind::Print)?;
    check(why(&dead) == "worker crash" && dead.observation.digests.is_some(), &dead)
}

fn answers() -> Result<(), Failed> {
    let pool = pool(&options())?;
    let picture = picture();
    let hashed = ask(&pool, picture.clone(), Kind::Hash)?;
    check(why(&hashed).is_empty() && !hashed.observation.fingerprints.is_empty(), &hashed)?;
    check(hashed.observation.assessment.is_none() && hashed.observation.digests.is_some(), &hashed)?;
    let examined = ask(&pool, picture.clone(), Kind::Examine)?;
    check(examined.observation.assessment.is_some(), &examined)?;
    check(examined.observation.fingerprints == hashed.observation.fingerprints, &examined)?;
    check(examined.observation.digests == hashed.observation.digests, &examined)?;
    let again = ask(&pool, picture, Kind::Hash)?;
    check(again.observation == hashed.observation, &again)?;
    let counts = pool.counts();
    check((counts.hashed, counts.examined, counts.restarts, counts.alive) == (2, 1, 0, 1), counts)
}

fn crashes() -> Result<(), Failed> {
    let pool = pool(&options())?;
    let ended = ask(&pool, *b"!dead", Kind::Hash)?;
    check(why(&ended) == "worker crash" && ended.observation.size_bytes == 5, &ended)?;
    let sha256 = ended.observation.digests.map(|digests| digests.sha256);
    let known = lodestone_engine::observe::observe(&ObserveOptions::default(), b"!dead").digests;
    check(sha256.is_some() && sha256 == known.map(|digests| digests.sha256), sha256)?;
    let next = ask(&pool, picture(), Kind::Hash)?;
    check(why(&next).is_empty(), &next)?;
    let counts = pool.counts();
    check((counts.hashed, counts.crashes, counts.restarts) == (2, 1, 1), counts)
}

fn hangs_and_eats() -> Result<(), Failed> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let pool = pool(&PoolOptions { deadline: Duration::from_secs(2), ..options() })?;
    let hung = ask(&pool, *b"!hang", Kind::Examine)?;
    check(why(&hung) == "worker timeout", &hung)?;
    let counts = pool.counts();
    check((counts.examined, counts.timeouts, counts.out_of_memory, counts.crashes) == (1, 1, 0, 0), counts)?;
    let pool = self::pool(&options())?;
    let ate = ask(&pool, *b"!eat", Kind::Examine)?;
    check(why(&ate) == "worker memory", &ate)?;
    let counts = pool.counts();
    check((counts.examined, counts.timeouts, counts.out_of_memory, counts.crashes) == (1, 0, 1, 0), counts)
}

fn quarantines() -> Result<(), Failed> {
    let pool = pool(&options())?;
    for expected in ["worker crash", "worker crash", "worker quarantined", "worker quarantined"] {
        let answer = ask(&pool, *b"!dead", Kind::Hash)?;
        check(why(&answer) == expected && answer.observation.digests.is_some(), &answer)?;
    }
    // Others of the same size are not meant.
    check(why(&ask(&pool, *b"!deaf", Kind::Hash)?) == "worker crash", "another")?;
    check(why(&ask(&pool, *b"alive", Kind::Hash)?) == "unsupported", "same size")?;
    let counts = pool.counts();
    check((counts.crashes, counts.quarantined, counts.remembered) == (3, 2, 2), counts)
}

fn unsupported() -> Result<(), Failed> {
    let pool = pool(&options())?;
    // The end of an empty zip archive, and the head of a film.
    let zip = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
    let film = [b"\0\0\0\x18ftypisom\0\0\0\0isommp42".as_slice(), &[0; 64]].concat();
    for bytes in [zip, film, b"a text".to_vec()] {
        let answer = ask(&pool, bytes, Kind::Hash)?;
        check(why(&answer) == "unsupported" && answer.observation.digests.is_some(), &answer)?;
    }
    check(why(&ask(&pool, Vec::new(), Kind::Hash)?) == "empty", "empty")
}

fn busy() -> Result<(), Failed> {
    let pool = pool(&PoolOptions { queue: 2, ..options() })?;
    let (mut taken, mut refused) = (Vec::new(), 0u64);
    for _ in 0..12 {
        match send(&pool, *b"!slow", Kind::Hash) {
            Ok(answer) => taken.push(answer),
            Err(error) => {
                check(error == Refused::Busy, error)?;
                refused += 1;
            }
        }
    }
    check((2..=3).contains(&taken.len()), taken.len())?;
    check(pool.counts().queued >= 1 && pool.counts().refused == refused, pool.counts())?;
    for answer in &taken {
        check(why(&answer.recv_timeout(Duration::from_secs(60))?) == "unsupported", "answered")?;
        check(answer.recv().is_err(), "answered twice")?;
    }
    check(why(&ask(&pool, *b"text", Kind::Hash)?) == "unsupported", "after the rush")
}

fn drains() -> Result<(), Failed> {
    let pool = pool(&PoolOptions { workers: 2, ..options() })?;
    let waiting: Vec<_> = (0..4).map(|_| send(&pool, *b"!slow", Kind::Hash)).collect::<Result<_, _>>()?;
    check(pool.drain(Duration::from_secs(60)), "drained")?;
    for answer in waiting {
        // It is there already.
        check(why(&answer.try_recv()?) == "unsupported", "finished")?;
    }
    check(send(&pool, *b"text", Kind::Hash).err() == Some(Refused::Stopping), "refused")?;
    check(!pool.is_ready() && pool.alive() == 0, pool.counts())
}

fn drains_late() -> Result<(), Failed> {
    let pool = pool(&options())?;
    let running = send(&pool, *b"!hang", Kind::Hash)?;
    let waiting = send(&pool, *b"text", Kind::Hash)?;
    let since = Instant::now();
    check(!pool.drain(Duration::from_millis(300)), "it hangs")?;
    check(since.elapsed() < Duration::from_secs(20), since.elapsed())?;
    check(why(&running.try_recv()?) == "worker stopped", "running")?;
    check(why(&waiting.try_recv()?) == "worker stopped", "waiting")?;
    let counts = pool.counts();
    check((counts.stopped, counts.crashes, counts.remembered) == (2, 0, 0), counts)
}

fn stops() -> Result<(), Failed> {
    let pool = pool(&PoolOptions { workers: 2, ..options() })?;
    let all: Vec<_> = (0..6).map(|_| send(&pool, *b"!hang", Kind::Hash)).collect::<Result<_, _>>()?;
    let since = Instant::now();
    drop(pool);
    check(since.elapsed() < Duration::from_secs(20), since.elapsed())?;
    for answer in all {
        check(why(&answer.try_recv()?) == "worker stopped", "answered")?;
    }
    Ok(())
}

fn not_started() -> Result<(), Failed> {
    let start = Start { program: "/nonexistent/lodestone".into(), arguments: Vec::new() };
    let pool = Pool::start(&PoolOptions { start, workers: 2, ..options() })?;
    for _ in 0..5 {
        let answer = ask(&pool, *b"text", Kind::Hash)?;
        check(why(&answer) == "worker not_started" && answer.observation.digests.is_some(), &answer)?;
    }
    check(pool.trouble().is_some() && !pool.is_ready() && pool.alive() == 0, pool.trouble())?;
    let counts = pool.counts();
    check((counts.not_started, counts.crashes, counts.hashed) == (5, 0, 0), counts)?;
    check(counts.restarts < 40, counts)?;
    check(pool.drain(Duration::from_secs(20)), "drained")
}

fn no_kit() -> Result<(), Failed> {
    let file = std::env::temp_dir().join(format!("lodestone-pool-no-list-{}.ndjson", std::process::id()));
    std::fs::write(&file, "not a structure database")?;
    let kit = KitFiles::new(KitSources { structures: vec![file.clone()], ..KitSources::default() })?;
    let mut options = options();
    options.observe.kit = kit;
    let pool = Pool::start(&options)?;
    let answer = ask(&pool, *b"text", Kind::Hash)?;
    std::fs::remove_file(&file)?;
    check(why(&answer) == "worker not_started", &answer)?;
    let trouble = pool.trouble().unwrap_or_default();
    check(trouble.contains("lodestone-pool-no-list"), trouble)
}

fn own_kit() -> Result<(), Failed> {
    let file = std::env::temp_dir().join(format!("lodestone-pool-list-{}.ndjson", std::process::id()));
    let head = r#"{"format":"lodestone-structures","version":1,"name":"t","date":"2026-01-01","sources":{"s":"own"}}"#;
    std::fs::write(&file, format!("{head}\n"))?;
    let kit = KitFiles::new(KitSources { structures: vec![file.clone()], ..KitSources::default() })?;
    let mut options = options();
    options.observe.kit = kit;
    let pool = pool(&options)?;
    for (bytes, expected) in
        [(b"text".as_slice(), "unsupported"), (b"!dead", "worker crash"), (b"text", "unsupported")]
    {
        let hashed = ask(&pool, bytes, Kind::Hash)?;
        check(why(&hashed) == expected, &hashed)?;
        let examined = ask(&pool, b"text".as_slice(), Kind::Examine)?;
        check(why(&examined) == "unsupported" && examined.observation.assessment.is_some(), &examined)?;
    }
    std::fs::remove_file(&file)?;
    Ok(())
}

fn bad_reply() -> Result<(), Failed> {
    let pool = pool(&options())?;
    pool.submit(Job::new(*b"text", Kind::Hash), |_| panic!("as asked"))?;
    check(why(&ask(&pool, *b"text", Kind::Hash)?) == "unsupported", "after a panic")?;
    check(
        pool.counts()
            == Counts {
                work_us: pool.counts().work_us,
                wait_us: pool.counts().wait_us,
                hashed: 2,
                workers: 1,
                alive: 1,
                ..Counts::default()
            },
        pool.counts(),
    )
}

/// The process whose command line ends with this word.
fn process(word: &str) -> Option<String> {
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let line = std::fs::read_to_string(entry.path().join("cmdline")).ok()?;
        let is_it = line.trim_end_matches('\0').ends_with(word);
        is_it.then(|| entry.file_name().to_string_lossy().into_owned())
    })
}

fn died_idle() -> Result<(), Failed> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let mut options = options();
    options.start.arguments.push("idle-and-ended".into());
    let pool = pool(&options)?;
    let process = process("idle-and-ended").ok_or("no such process")?;
    check(std::process::Command::new("kill").args(["-9", &process]).status()?.success(), &process)?;
    let since = Instant::now();
    while pool.alive() > 0 && since.elapsed() < Duration::from_secs(9) {
        std::thread::sleep(Duration::from_millis(5));
    }
    check(!pool.is_ready(), pool.counts())?;
    check(why(&ask(&pool, *b"text", Kind::Hash)?) == "unsupported", "the next job")?;
    let counts = pool.counts();
    check((counts.hashed, counts.crashes, counts.restarts, counts.alive) == (1, 0, 1, 1), counts)
}

fn enforced() -> Result<(), Failed> {
    let told = options().enforced()?;
    check(!cfg!(unix) || told.rlimits, told)?;
    check(!cfg!(all(target_os = "linux", target_arch = "x86_64")) || told.reads_blocked, told)
}
