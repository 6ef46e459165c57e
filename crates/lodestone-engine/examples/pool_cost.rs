//! What one job costs through a pool of one worker, beside `observe` in this process: processor time of this program and its
//! worker, and time on the clock. Linux.
//! `cargo run --release -p lodestone-engine --no-default-features --example pool_cost -- [JOBS] [FILE]`; FOLDED in the
//! environment hashes from scaled decodes.

#![allow(clippy::print_stdout)]

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use lodestone_engine::observe::Eye;
use lodestone_engine::pool::{Job, Kind, Pool, PoolOptions};
use lodestone_engine::{ObserveOptions, Start};
use lodestone_types::Stage;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, memory] = arguments.as_slice()
        && word == "__worker"
    {
        return Ok(lodestone_engine::serve(memory.parse()?)?);
    }
    let jobs: u32 = arguments.first().map_or(Ok(200), |text| text.parse())?;
    let files = match arguments.get(1) {
        Some(path) => vec![(path.clone(), std::fs::read(path)?)],
        None => vec![
            ("1.08 MP JPEG".to_owned(), picture(1200, 900)?),
            ("64 × 64 JPEG".to_owned(), picture(64, 64)?),
            ("no picture".to_owned(), vec![b'x'; 200_000]),
        ],
    };
    println!("a worker has: {}", options()?.enforced()?);
    for (name, bytes) in files {
        for kind in [Kind::Hash, Kind::Examine] {
            let options = ObserveOptions { provenance: kind == Kind::Examine, ..asked() };
            let mut eye = Eye::new(&options);
            eye.observe(&bytes);
            let alone = timed(jobs, || drop(eye.observe(&bytes)))?;
            let cost = pooled(jobs, kind, &bytes)?;
            println!(
                "{name}, {} bytes, {kind:?}: alone {alone:.2} ms of CPU; through the pool {:.2} here + {:.2} in the worker; \
                 {:.2} ms on the clock",
                bytes.len(),
                cost.here_ms,
                cost.worker_ms,
                cost.clock_ms,
            );
        }
    }
    println!("four idle workers: {:.0} ms of CPU a minute here", idle()?);
    Ok(())
}

fn options() -> Result<PoolOptions, Error> {
    let start = Start { program: std::env::current_exe()?, arguments: Vec::new() };
    let deadline = Duration::from_secs(60);
    let mut options = PoolOptions { start, workers: 1, queue: 8, observe: asked(), deadline };
    options.start.arguments = vec!["__worker".into(), options.memory_bytes().to_string().into()];
    Ok(options)
}

/// Processor time of an idle pool, milliseconds a minute.
fn idle() -> Result<f64, Error> {
    let pool = Pool::start(&PoolOptions { workers: 4, ..options()? })?;
    while pool.alive() < 4 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let before = cpu_ms()?.0;
    std::thread::sleep(Duration::from_secs(30));
    Ok((cpu_ms()?.0 - before) * 2.0)
}

fn asked() -> ObserveOptions {
    ObserveOptions { folded: std::env::var_os("FOLDED").is_some(), ..ObserveOptions::default() }
}

struct Cost {
    here_ms: f64,
    worker_ms: f64,
    clock_ms: f64,
}

fn pooled(jobs: u32, kind: Kind, bytes: &[u8]) -> Result<Cost, Error> {
    let options = options()?;
    let run = |jobs: u32| -> Result<(f64, f64, f64), Error> {
        let before = cpu_ms()?;
        let pool = Pool::start(&options)?;
        let (mut since, mut clock) = (Instant::now(), Duration::ZERO);
        for number in 0..=jobs {
            let (sender, answer) = channel();
            pool.submit(Job::new(bytes.to_vec(), kind), move |answer| drop(sender.send(answer)))?;
            let answer = answer.recv()?;
            if let Some(why) = answer.observation.unreadable.filter(|why| why.stage == Stage::Worker) {
                return Err(format!("{why:?}").into());
            }
            if number == 0 {
                since = Instant::now();
            }
            clock = since.elapsed();
        }
        drop(pool);
        let after = cpu_ms()?;
        Ok((after.0 - before.0, after.1 - before.1, clock.as_secs_f64() * 1e3))
    };
    // Starting and ending a worker is in both.
    let (few, many) = (run(0)?, run(jobs)?);
    println!("  starting a worker, one job, ending: {:.0} ms here + {:.0} in the worker", few.0, few.1);
    let each = |few: f64, many: f64| (many - few) / f64::from(jobs);
    Ok(Cost {
        here_ms: each(few.0, many.0),
        worker_ms: each(few.1, many.1),
        clock_ms: many.2 / f64::from(jobs),
    })
}

fn timed(times: u32, mut each: impl FnMut()) -> Result<f64, Error> {
    let before = cpu_ms()?.0;
    for _ in 0..times {
        each();
    }
    Ok((cpu_ms()?.0 - before) / f64::from(times))
}

/// Of this process and of those it has seen end, milliseconds. *Source:* proc_pid_stat(5); a tick is a hundredth of a second.
fn cpu_ms() -> Result<(f64, f64), Error> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<f64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    let sum = |a: usize, b: usize| (fields.get(a).unwrap_or(&0.0) + fields.get(b).unwrap_or(&0.0)) * 10.0;
    Ok((sum(11, 12), sum(13, 14)))
}

/// Hills with texture.
fn picture(width: u16, height: u16) -> Result<Vec<u8>, Error> {
    let mut pixels = Vec::new();
    let mut noise = 1u32;
    for y in 0..u32::from(height) {
        for x in 0..u32::from(width) {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hill = (x * x / 700 + y * y / 300 + x * y / 500) % 512;
            let value = hill.abs_diff(256).min(235) + noise / (u32::MAX / 20);
            pixels.extend([value as u8, (value * 3 / 4 + y % 40) as u8, (255 - value) as u8]);
        }
    }
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 85);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    encoder.encode(&pixels, width, height, jpeg_encoder::ColorType::Rgb)?;
    Ok(file)
}
