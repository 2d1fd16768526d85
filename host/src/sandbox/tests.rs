//! Hostile guests, each a few lines of text, and what they come to.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

use futures_util::FutureExt as _;
use wasmtime::{
    Store,
    component::{Component, InstancePre, Linker, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::{
    Budget, Engine, Fault, Guard, LimitReached, Limits, Lines, Seed, Seeds, Stdin, Stdout,
    StopKind, World, add_wasi, classify, watch_store,
};

/// A store's data with nothing in it but what the sandbox needs.
struct Data {
    guard: Guard,
    wasi: WasiCtx,
    resources: ResourceTable,
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.resources,
        }
    }
}

/// A component that is linked and can be run again and again.
struct Guest {
    engine: Engine,
    component: InstancePre<Data>,
}

impl Guest {
    fn new(text: &str, limits: Limits) -> Self {
        Self::linked(text, limits, |_| ())
    }

    fn linked(text: &str, limits: Limits, link: impl FnOnce(&mut Linker<Data>)) -> Self {
        let engine = Engine::new(limits).expect("an engine");
        let bytes = wat::parse_str(text).expect("valid text");
        let component = Component::from_binary(engine.wasm(), &bytes).expect("compiles");
        let mut linker = Linker::new(engine.wasm());
        add_wasi(&mut linker).expect("links");
        link(&mut linker);
        let component = linker.instantiate_pre(&component).expect("links");
        Self { engine, component }
    }

    fn store(&self, budget: &Arc<Budget>) -> Store<Data> {
        self.seeded_store(budget, Seeds::random().draw())
    }

    fn seeded_store(&self, budget: &Arc<Budget>, seed: Seed) -> Store<Data> {
        let lines = Lines::new(Arc::new(|_: &str| ()));
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(self.engine.limits().handles);
        let world = World {
            arguments: vec!["guest".to_owned()],
            stdin: Stdin::Empty,
            stdout: Stdout::Lines(lines.clone()),
            stderr: lines,
            started_at: SystemTime::now(),
            seed,
        };
        let data = Data {
            guard: Guard::new(Arc::clone(budget), self.engine.limits()),
            wasi: world.into_context(),
            resources,
        };
        let mut store = Store::new(self.engine.wasm(), data);
        watch_store(&mut store, self.engine.limits(), |data| &mut data.guard);
        store
    }

    async fn call(&self, store: &mut Store<Data>) -> wasmtime::Result<u32> {
        let instance = self.component.instantiate_async(&mut *store).await?;
        let run = instance.get_typed_func::<(), (u32,)>(&mut *store, "run")?;
        let (result,) = run.call_async(store, ()).await?;
        Ok(result)
    }

    /// Runs it once, in a store and with a budget of its own.
    async fn run(&self) -> Result<u32, Fault> {
        let budget = Budget::new(self.engine.limits());
        let mut store = self.store(&budget);
        let result = budget.charge(self.call(&mut store)).await;
        result.map_err(|error| classify(&error, &budget, self.engine.limits()))
    }

    async fn limit(&self) -> LimitReached {
        match self.run().await {
            Err(Fault::Limit(limit)) => limit,
            other => unreachable!("not a limit: {other:?}"),
        }
    }

    async fn stop_kind(&self) -> StopKind {
        match self.run().await {
            Err(Fault::Trap(stop)) => stop.kind,
            other => unreachable!("not a trap: {other:?}"),
        }
    }
}

/// A component around one core module that exports `run: func() -> u32`.
fn component(module: &str) -> String {
    format!(
        r#"(component
            (core module $m {module})
            (core instance $i (instantiate $m))
            (func (export "run") (result u32) (canon lift (core func $i "run"))))"#
    )
}

fn limits() -> Limits {
    Limits {
        cpu: Duration::from_millis(100),
        memory_bytes: 4 << 20,
        slots: 2,
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_guest_that_behaves_returns() {
    let guest = Guest::new(
        &component(r#"(func (export "run") (result i32) i32.const 7)"#),
        limits(),
    );
    for _ in 0..50 {
        assert_eq!(guest.run().await.expect("returns"), 7);
    }
}

#[tokio::test]
async fn an_endless_loop_ends_at_the_cpu_limit_and_lets_others_run_meanwhile() {
    let text = component(r#"(func (export "run") (result i32) (loop (br 0)) unreachable)"#);
    let guest = Guest::new(&text, limits());
    let others = async {
        let mut turns = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            turns += 1;
            if turns == 3 {
                return;
            }
        }
    };
    let start = Instant::now();
    let (limit, ()) = tokio::join!(guest.limit(), others);
    assert_eq!((limit.name, limit.maximum), ("cpu", 100));
    assert!(limit.used < 200, "{} ms used", limit.used);
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_loop_in_a_start_function_ends_at_the_cpu_limit() {
    let text = component(
        r#"(func $start (loop (br 0)))
           (func (export "run") (result i32) i32.const 0)
           (start $start)"#,
    );
    assert_eq!(Guest::new(&text, limits()).limit().await.name, "cpu");
}

#[tokio::test]
async fn bulk_operations_in_a_loop_end_at_the_cpu_limit() {
    let text = component(
        r#"(memory 64)
           (func (export "run") (result i32)
               (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 4194304)) (br 0))
               unreachable)"#,
    );
    assert_eq!(Guest::new(&text, limits()).limit().await.name, "cpu");
}

#[tokio::test]
async fn memory_is_limited_over_all_memories() {
    // 24 pages in each of three memories are 4.5 MiB of 4.
    let text = component(
        r#"(memory $a 24) (memory $b 24) (memory $c 0)
           (func (export "run") (result i32)
               (if (i32.eq (memory.grow $c (i32.const 24)) (i32.const -1)) (then unreachable))
               i32.const 0)"#,
    );
    let limit = Guest::new(&text, limits()).limit().await;
    assert_eq!(limit.name, "memory-bytes");
    assert_eq!((limit.used, limit.maximum), (72 * 65536, 4 << 20));
}

#[tokio::test]
async fn memory_over_the_limit_at_the_start_is_a_limit() {
    let text = component(
        r#"(memory $a 40) (memory $b 40)
           (func (export "run") (result i32) i32.const 0)"#,
    );
    assert_eq!(
        Guest::new(&text, limits()).limit().await.name,
        "memory-bytes"
    );
}

#[tokio::test]
async fn a_guest_that_copes_with_a_refused_growth_goes_on() {
    let text = component(
        r#"(memory 1)
           (func (export "run") (result i32) (memory.grow (i32.const 1000)))"#,
    );
    assert_eq!(
        Guest::new(&text, limits()).run().await.expect("copes"),
        u32::MAX
    );
}

#[tokio::test]
async fn stores_of_one_run_share_its_memory_and_give_it_back() {
    let text = component(
        r#"(memory 40)
           (func (export "run") (result i32) i32.const 0)"#,
    );
    let guest = Guest::new(&text, limits());
    let budget = Budget::new(guest.engine.limits());
    let mut first = guest.store(&budget);
    let mut second = guest.store(&budget);
    guest.call(&mut first).await.expect("fits");
    guest.call(&mut second).await.expect_err("does not fit");
    drop((first, second));
    guest
        .call(&mut guest.store(&budget))
        .await
        .expect("fits again");
    assert_eq!(budget.peak_memory_bytes(), 40 * 65536);
}

#[tokio::test]
async fn table_elements_are_limited() {
    let text = component(
        r#"(table $t 10 funcref)
           (func (export "run") (result i32)
               (if (i32.eq (table.grow $t (ref.null func) (i32.const 200000)) (i32.const -1))
                   (then unreachable))
               i32.const 0)"#,
    );
    assert_eq!(
        Guest::new(&text, limits()).limit().await.name,
        "table-elements"
    );
}

#[tokio::test]
async fn traps_have_kinds_and_deep_recursion_is_one() {
    for (body, kind) in [
        ("call $run", StopKind::StackOverflow),
        ("unreachable", StopKind::Unreachable),
        ("(i32.load (i32.const 65536))", StopKind::MemoryOutOfBounds),
        (
            "(i32.div_s (i32.const 1) (i32.const 0))",
            StopKind::Arithmetic,
        ),
        (
            "(call_indirect (result i32) (i32.const 0))",
            StopKind::Table,
        ),
    ] {
        let text = component(&format!(
            r#"(memory 1) (table 1 funcref) (func $run (export "run") (result i32) {body})"#
        ));
        assert_eq!(
            Guest::new(&text, limits()).stop_kind().await,
            kind,
            "{body}"
        );
    }
}

#[tokio::test]
async fn names_in_a_backtrace_are_escaped_and_few() {
    let text = component(r#"(func $"evil\1b[31m" (export "run") (result i32) unreachable)"#);
    match Guest::new(&text, limits()).run().await {
        Err(Fault::Trap(stop)) => {
            let names: Vec<_> = stop.frames.iter().map(ToString::to_string).collect();
            assert_eq!(names, ["m!evil\\u{1b}[31m"]);
        }
        other => unreachable!("not a trap: {other:?}"),
    }
    let deep =
        component(r#"(func $run (export "run") (result i32) (i32.add (call $run) (i32.const 1)))"#);
    match Guest::new(&deep, limits()).run().await {
        Err(Fault::Trap(stop)) => assert_eq!(stop.frames.len(), 16),
        other => unreachable!("not a trap: {other:?}"),
    }
}

#[tokio::test]
async fn an_exit_is_told_from_a_trap() {
    let text = r#"(component
        (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))
        (core func $exit (canon lower (func $exit "exit")))
        (core module $m
            (import "" "exit" (func $exit (param i32)))
            (func (export "run") (result i32) (call $exit (i32.const 1)) unreachable))
        (core instance $i (instantiate $m (with "" (instance (export "exit" (func $exit))))))
        (func (export "run") (result u32) (canon lift (core func $i "run"))))"#;
    assert!(matches!(
        Guest::new(text, limits()).run().await,
        Err(Fault::Exit(1))
    ));
}

/// Calls a host function with one text, given by its place and length in a memory of one page.
fn caller(pointer: u32, length: u32) -> String {
    format!(
        r#"(component
            (import "take" (func $take (param "text" string)))
            (core module $mem (memory (export "memory") 16))
            (core instance $mem (instantiate $mem))
            (core func $take (canon lower (func $take) (memory (core memory $mem "memory"))))
            (core module $m
                (import "" "take" (func $take (param i32 i32)))
                (func (export "run") (result i32)
                    (call $take (i32.const {pointer}) (i32.const {length})) i32.const 0))
            (core instance $i (instantiate $m (with "" (instance (export "take" (func $take))))))
            (func (export "run") (result u32) (canon lift (core func $i "run"))))"#
    )
}

#[tokio::test]
async fn what_a_guest_hands_over_in_one_call_is_limited_and_checked() {
    let take = |linker: &mut Linker<Data>| {
        let taken = linker.root().func_wrap("take", |_, (_,): (String,)| Ok(()));
        taken.expect("defined");
    };
    let limits = Limits {
        call_bytes: 1000,
        ..limits()
    };
    assert_eq!(
        Guest::linked(&caller(0, 1000), limits, take)
            .run()
            .await
            .expect("fits"),
        0
    );
    assert_eq!(
        Guest::linked(&caller(0, 1001), limits, take)
            .limit()
            .await
            .name,
        "call-bytes"
    );
    let beyond = Guest::linked(&caller(1 << 20, 1), limits, take);
    assert_eq!(beyond.stop_kind().await, StopKind::Interface);
}

#[tokio::test]
async fn a_panic_of_the_host_unwinds_to_the_caller_and_leaves_the_engine_sound() {
    let limits = limits();
    let guest = Guest::linked(&caller(0, 1), limits, |linker| {
        let panics = linker.root().func_wrap_async(
            "take",
            |_, (_,): (String,)| -> Box<dyn Future<Output = wasmtime::Result<()>> + Send> {
                Box::new(async { std::panic::resume_unwind(Box::new("on purpose")) })
            },
        );
        panics.expect("defined");
    });
    for _ in 0..10 {
        let run = std::panic::AssertUnwindSafe(guest.run()).catch_unwind();
        assert!(run.await.is_err(), "the panic arrives");
    }
}

#[tokio::test]
async fn a_run_dropped_at_any_point_leaves_the_engine_sound() {
    let text = component(
        r#"(memory 8)
           (func $work (local $n i32)
               (loop $l
                   (local.set $n (i32.add (local.get $n) (i32.const 1)))
                   (memory.fill (i32.const 0) (local.get $n) (i32.const 500000))
                   (br_if $l (i32.lt_u (local.get $n) (i32.const 300)))))
           (func (export "run") (result i32) (call $work) i32.const 1)
           (start $work)"#,
    );
    let limits = Limits {
        cpu: Duration::from_mins(1),
        ..limits()
    };
    let guest = Guest::new(&text, limits);
    let mut unfinished = 0;
    for polls in 0..60 {
        let mut run = pin!(guest.run());
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..polls {
            if let Poll::Ready(result) = run.as_mut().poll(&mut context) {
                assert_eq!(result.expect("returns"), 1);
                break;
            }
            unfinished += 1;
        }
    }
    assert!(unfinished > 0, "the guest never yielded");
    assert_eq!(guest.run().await.expect("returns"), 1);
}

#[tokio::test]
async fn handles_are_limited_those_of_the_guest_and_those_of_the_host() {
    let own = r#"(component
        (type $r (resource (rep i32)))
        (core func $new (canon resource.new $r))
        (core module $m
            (import "" "new" (func $new (param i32) (result i32)))
            (func (export "run") (result i32)
                (loop (drop (call $new (i32.const 0))) (br 0)) unreachable))
        (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
        (func (export "run") (result u32) (canon lift (core func $i "run"))))"#;
    let limit = Guest::new(own, limits()).limit().await;
    assert_eq!((limit.name, limit.maximum), ("handles", 1000));
    let pollables = r#"(component
        (import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
        (alias export $poll "pollable" (type $pollable))
        (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
            (alias outer 1 $pollable (type $p))
            (export "pollable" (type $own (eq $p)))
            (export "subscribe-duration" (func (param "when" u64) (result (own $own))))))
        (core func $new (canon lower (func $clock "subscribe-duration")))
        (core module $m
            (import "" "new" (func $new (param i64) (result i32)))
            (func (export "run") (result i32)
                (loop (drop (call $new (i64.const 1000000000))) (br 0)) unreachable))
        (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
        (func (export "run") (result u32) (canon lift (core func $i "run"))))"#;
    assert_eq!(
        Guest::new(pollables, limits()).limit().await.name,
        "handles"
    );
}

/// A guest that returns the lower half of what a function without parameters of WASI gives.
fn asks(interface: &str, function: &str) -> String {
    format!(
        r#"(component
            (import "{interface}@0.2.0" (instance $i (export "{function}" (func (result u64)))))
            (core func $ask (canon lower (func $i "{function}")))
            (core module $m
                (import "" "ask" (func $ask (result i64)))
                (func (export "run") (result i32) (i32.wrap_i64 (call $ask))))
            (core instance $i (instantiate $m (with "" (instance (export "ask" (func $ask))))))
            (func (export "run") (result u32) (canon lift (core func $i "run"))))"#
    )
}

#[tokio::test]
async fn randomness_comes_from_the_seed_alone() {
    let guest = Guest::new(&asks("wasi:random/random", "get-random-u64"), limits());
    let budget = Budget::new(guest.engine.limits());
    let seeds = [Seeds::random().draw(), Seeds::random().draw()];
    let mut numbers = Vec::new();
    for seed in [seeds[0], seeds[0], seeds[1]] {
        let mut store = guest.seeded_store(&budget, seed);
        numbers.push(guest.call(&mut store).await.expect("returns"));
    }
    assert_eq!(numbers[0], numbers[1]);
    assert_ne!(numbers[0], numbers[2]);
}

#[tokio::test]
async fn clocks_go_in_whole_milliseconds() {
    let guest = Guest::new(&asks("wasi:clocks/monotonic-clock", "now"), limits());
    for _ in 0..20 {
        assert_eq!(guest.run().await.expect("returns") % 1_000_000, 0);
    }
}
