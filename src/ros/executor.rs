//! Threads for the middleware's futures.
//!
//! `ros2-client` speaks in futures and brings nothing to run them. A thread of its own for each of
//! the two futures there are needs less than an asynchronous runtime would, and the control loop
//! never shares a thread with the middleware.

#![allow(clippy::disallowed_methods)] // The middleware wants threads of its own: the one place of src/ros that has them.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use super::RosError;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread; `None` once `stop` is set and the thread was unparked.
pub(super) fn block_on_until<F: Future>(future: F, stop: &AtomicBool) -> Option<F::Output> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    while !stop.load(Ordering::Acquire) {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        thread::park();
    }
    None
}

/// A thread that can be told to stop and is waited for when dropped.
pub(super) struct Worker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts `work` on a thread of its own; it has to return soon after the flag is set.
    pub(super) fn start(name: &'static str, work: impl FnOnce(&AtomicBool) + Send + 'static) -> Result<Self, RosError> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name(name.into())
            .spawn(move || work(&seen))
            .map_err(|source| RosError::Thread { name, source })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("a ROS thread panicked; see the message above");
            }
        }
    }
}

/// Waits while the middleware's own thread puts what was just published on the wire, and repeats what got
/// lost: the middleware can neither be flushed nor asked, and nothing is repeated once it stops.
pub(super) fn let_the_middleware_send(time: Duration) {
    thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_woken_from_another_thread_is_finished() {
        let (sender, receiver) = std::sync::mpsc::sync_channel::<Waker>(1);
        let ready = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ready);
        let waking = thread::spawn(move || {
            let waker = receiver.recv().unwrap();
            seen.store(true, Ordering::Release);
            waker.wake();
        });
        let future = std::future::poll_fn(|context| {
            if ready.load(Ordering::Acquire) {
                return Poll::Ready(7);
            }
            sender.try_send(context.waker().clone()).ok();
            Poll::Pending
        });
        assert_eq!(block_on_until(future, &AtomicBool::new(false)), Some(7));
        waking.join().unwrap();
    }

    #[test]
    fn dropping_a_worker_ends_a_future_that_would_never_finish() {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let worker = Worker::start("test", move |stop| {
            let output = block_on_until(std::future::pending::<()>(), stop);
            seen.store(output.is_none(), Ordering::Release);
        })
        .unwrap();
        drop(worker);
        assert!(ended.load(Ordering::Acquire));
    }
}
