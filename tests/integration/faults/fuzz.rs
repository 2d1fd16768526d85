//! Sound exchanges, spoilt at random: thousands of them, always the same ones.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use host::database::{ConnectOptions, Database, Limits};
use tests::fault::{Answer, Asked, FakeServer, Product, Relation, greeting, serve};
use tokio::time::timeout;

use super::{read, session, update, write};

const CASES: u64 = 3_000;
/// At once, so that those that wait for a time limit do not add up.
const AT_ONCE: usize = 48;

/// Numbers that look random and are the same every time (`SplitMix64`).
#[derive(Debug, Clone)]
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let limit = u64::try_from(limit.max(1)).expect("it is small");
        usize::try_from((number ^ (number >> 31)) % limit).expect("it is smaller")
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).expect("a byte")
    }
}

/// Spoils an answer in one to three places.
fn spoil(mut frames: Vec<Vec<u8>>, numbers: &mut Numbers) -> Vec<u8> {
    for _ in 0..=numbers.below(3) {
        let place = numbers.below(frames.len());
        let other = numbers.below(frames.len());
        let Some(frame) = frames.get_mut(place) else {
            break;
        };
        let at = numbers.below(frame.len());
        match numbers.below(12) {
            0 => frame[at] = numbers.byte(),
            1 => frame[at] ^= 1 << numbers.below(8),
            2 => frame.truncate(at),
            3 => frame.insert(at, numbers.byte()),
            4 => drop(frame.drain(at..)),
            5 => {
                // A length that lies.
                let length = [0, 3, 4, 5, 200, 1 << 24, u32::MAX][numbers.below(7)];
                if let Some(place) = frame.get_mut(1..5) {
                    place.copy_from_slice(&length.to_be_bytes());
                }
            }
            6 => frame[0] = b"RKSNAZE123CDTtnsIGHWdc?"[numbers.below(23)],
            7 => frames.swap(place, other),
            8 => drop(frames.remove(place)),
            9 => frames.insert(other, frames[place].clone()),
            10 => {
                let many = frames[place].repeat(numbers.below(40) + 2);
                frames[place] = many;
            }
            _ => {
                let rubbish = (0..numbers.below(30)).map(|_| numbers.byte());
                let rubbish: Vec<u8> = rubbish.collect();
                frames.insert(place, rubbish);
            }
        }
        frames.retain(|frame| !frame.is_empty());
    }
    frames.concat()
}

fn sound(asked: &Asked, product: Product) -> Vec<Vec<u8>> {
    let relation = match asked.text.split(' ').next().unwrap_or_default() {
        "SHOW" => Relation {
            columns: vec![("transaction_isolation", 25)],
            rows: vec![vec![Some(b"serializable".to_vec())]],
            tag: "SHOW",
        },
        "INSERT" => Relation::done("INSERT 0 1"),
        "UPDATE" => Relation {
            tag: "UPDATE 1",
            ..values()
        },
        "SELECT" => values(),
        "BEGIN" => Relation::done("BEGIN"),
        "COMMIT" => Relation::done("COMMIT"),
        "ROLLBACK" => Relation::done("ROLLBACK"),
        _ => Relation::done("SET"),
    };
    let status = match asked.text.split(' ').next().unwrap_or_default() {
        "BEGIN" | "UPDATE" => b'T',
        _ => b'I',
    };
    if asked.kinds == "start" {
        greeting(product)
    } else {
        serve(asked, &relation, status)
    }
}

/// Values of types whose forms have lengths of their own.
fn values() -> Relation {
    let numeric = [0, 2, 0, 0, 0, 0, 0, 3, 0, 12, 13, 12];
    let array = [
        &[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 1][..],
        &[0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7, 255, 255, 255, 255],
    ]
    .concat();
    let row = vec![
        Some(vec![0, 0, 0, 0, 0, 0, 0, 5]),
        Some(b"text".to_vec()),
        Some(numeric.to_vec()),
        Some(array),
        Some(vec![0; 16]),
        Some(b"\x01{}".to_vec()),
        None,
    ];
    Relation {
        columns: vec![
            ("a", 20),
            ("b", 25),
            ("c", 1_700),
            ("d", 1_016),
            ("e", 1_186),
            ("f", 3_802),
            ("g", 100_052),
        ],
        rows: vec![row.clone(), row],
        tag: "SELECT 2",
    }
}

/// One server whose first connections are spoilt in one place each, and a host that uses it.
async fn run(seed: u64) {
    let mut numbers = Numbers(seed);
    let product = [Product::CockroachDb, Product::PostgreSql][numbers.below(2)];
    let spoilt = numbers.below(16);
    let goes_on = numbers.below(20) == 0;
    let mut random = numbers.clone();
    let server = FakeServer::start(product, move |asked| {
        let frames = sound(asked, product);
        if asked.connection > 0 || asked.number != spoilt {
            return Answer::Bytes(frames.concat());
        }
        let bytes = spoil(frames, &mut random);
        if goes_on {
            Answer::Bytes(bytes)
        } else {
            Answer::Last(bytes)
        }
    })
    .await;
    let url = server.url("min_connections=0&max_connections=1&connect_timeout=1");
    let options = ConnectOptions::from_url(&url).expect("a good URL");
    let Ok(database) = Database::connect(options, Limits::default()).await else {
        return;
    };
    let mut session = session(&database);
    session.set_statement_timeout(Duration::from_millis(100));
    // What comes of these is in the tests beside this one. Here they end, and whatever came can be read.
    for id in 0..4 {
        if let Ok(rows) = read(&mut session).await {
            for row in 0..rows.len() {
                for column in 0..rows.columns().len() {
                    drop(rows.value(row, column));
                }
            }
        }
        drop(write(&mut session, id).await);
        drop(update(&mut session).await);
    }
    session.set_statement_timeout(Duration::from_secs(30));
    let last = read(&mut session).await;
    assert!(
        last.is_ok(),
        "seed {seed}: the pool does not work any more: {last:?}"
    );
    database.close().await;
    assert_eq!(database.open_connections(), 0, "seed {seed}");
}

/// Panics of the driver and of the host. Those of a task that drives a connection would go unseen.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_makes_the_host_hang_or_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        if place.contains("postgres") || place.contains("host/src") {
            PANICS
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(place);
        }
        before(panic);
    }));
    stream::iter(0..CASES)
        .for_each_concurrent(AT_ONCE, |seed| async move {
            let run = timeout(Duration::from_mins(1), run(seed));
            run.await
                .unwrap_or_else(|_| panic!("seed {seed}: it hangs"));
        })
        .await;
    let panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(panics.is_empty(), "{panics:?}");
}
