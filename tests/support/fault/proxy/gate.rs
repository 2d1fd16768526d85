use tokio::sync::watch;

/// Holds what comes to it until the test opens it. All its clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate {
    is_reached: watch::Sender<bool>,
    is_open: watch::Sender<bool>,
}

impl Gate {
    /// A closed gate.
    #[expect(
        clippy::new_without_default,
        reason = "that it is closed should be read where it is made"
    )]
    pub fn new() -> Self {
        Self {
            is_reached: watch::Sender::new(false),
            is_open: watch::Sender::new(false),
        }
    }

    /// Lets pass what is held, and all that comes later.
    pub fn open(&self) {
        self.is_open.send_replace(true);
    }

    /// Waits until something is held, or has passed.
    pub async fn reached(&self) {
        wait(&self.is_reached).await;
    }

    /// Waits until it is open.
    pub(super) async fn pass(&self) {
        self.is_reached.send_replace(true);
        wait(&self.is_open).await;
    }
}

async fn wait(flag: &watch::Sender<bool>) {
    let mut flag = flag.subscribe();
    flag.wait_for(|is_set| *is_set)
        .await
        .expect("the sender is borrowed meanwhile");
}
