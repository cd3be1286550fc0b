//! Stopping as a designed path: run, then drain, then end.

use tokio::sync::watch;

use crate::record::{Failure, FailureClass};

/// How far a stop has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    /// Send nothing more; let what is in flight end.
    Draining,
    /// The time after a level's end is over: what is still in flight took too long.
    Overdue,
    /// End at once.
    Ended,
}

/// The side that stops a run.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<Stage>);

/// The side that listens.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<Stage>);

impl Stopper {
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(Stage::Running);
        (Self(sender), Stop(receiver))
    }

    /// No further request is sent.
    pub fn drain(&self) {
        self.raise(Stage::Draining);
    }

    /// Requests in flight end as timed out: the server had its window and the grace after it.
    pub(super) fn expire(&self) {
        self.raise(Stage::Overdue);
    }

    /// Requests in flight are cancelled.
    pub fn end(&self) {
        self.raise(Stage::Ended);
    }

    fn raise(&self, stage: Stage) {
        self.0.send_if_modified(|now| {
            let higher = stage > *now;
            *now = stage.max(*now);
            higher
        });
    }
}

impl Stop {
    pub fn is_draining(&self) -> bool {
        *self.0.borrow() >= Stage::Draining
    }

    /// Resolves when no further request may be sent.
    pub async fn draining(&mut self) {
        self.reaches(Stage::Draining).await;
    }

    /// Resolves when requests in flight must end.
    pub async fn ended(&mut self) {
        self.reaches(Stage::Overdue).await;
    }

    /// How a request fares that is cut now. One that the server left hanging is the server's failure and stays offered;
    /// only one that somebody stopped is taken out.
    pub(super) fn cut(&self, what: &str) -> Failure {
        match *self.0.borrow() {
            Stage::Overdue => Failure::new(
                FailureClass::TimeoutTotal,
                format!("{what} when the time after the window was over"),
            ),
            Stage::Running | Stage::Draining | Stage::Ended => {
                Failure::new(FailureClass::Cancelled, format!("{what} when the run was stopped"))
            }
        }
    }

    /// A stopper that is gone can no longer stop anything: wait for ever.
    async fn reaches(&mut self, stage: Stage) {
        if self.0.wait_for(|now| *now >= stage).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
