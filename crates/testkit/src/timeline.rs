//! 一个测试的经过：从第一个程序或套接字开始，到全部离开作用域为止。

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// 一个测试最多等这么久：程序不停地发送、打印，永不结束，测试也在 15 秒之内失败。
const BUDGET: Duration = Duration::from_secs(14);

thread_local! {
    /// 这个线程上正在运行的测试；它的程序和套接字都离开作用域，就不存在了。
    static CURRENT: RefCell<Weak<Timeline>> = const { RefCell::new(Weak::new()) };
}

/// 正在运行的服务端的地址，和它所属的测试：测试中的其他线程由地址找到自己的测试。
static SERVERS: Mutex<Vec<(SocketAddr, Weak<Timeline>)>> = Mutex::new(Vec::new());

/// 一个测试的经过；测试的程序和套接字共同拥有它。
pub(crate) struct Timeline {
    start: Instant,
    budget: Mutex<Option<Duration>>,
}

impl Timeline {
    /// 当前线程上的测试。
    pub fn current() -> Arc<Timeline> {
        CURRENT.with_borrow_mut(|current| {
            current.upgrade().unwrap_or_else(|| {
                let budget = Mutex::new(Some(BUDGET));
                let timeline = Arc::new(Timeline { start: Instant::now(), budget });
                *current = Arc::downgrade(&timeline);
                timeline
            })
        })
    }

    /// 地址为 `addr` 的服务端所属的测试；没有时是当前线程上的测试。
    pub fn of(addr: SocketAddr) -> Arc<Timeline> {
        let servers = SERVERS.lock().expect("登记服务端的线程崩溃");
        let found = servers.iter().rev().find(|(server, _)| *server == addr);
        found.and_then(|(_, timeline)| timeline.upgrade()).unwrap_or_else(Timeline::current)
    }

    /// 这个测试的服务端有了地址 `addr`。
    pub fn register(self: &Arc<Timeline>, addr: SocketAddr) {
        let mut servers = SERVERS.lock().expect("登记服务端的线程崩溃");
        servers.retain(|(_, timeline)| timeline.strong_count() > 0);
        servers.push((addr, Arc::downgrade(self)));
    }

    /// 这个测试可以运行任意长的时间。
    pub fn lift_budget(&self) {
        *self.budget.lock().expect("记录经过的线程崩溃") = None;
    }

    /// 一次等待最多等多久：不超过 `limit`，也不超过这个测试余下的时间。
    pub fn limit(&self, limit: Duration) -> Duration {
        let budget = *self.budget.lock().expect("记录经过的线程崩溃");
        budget.map_or(limit, |budget| limit.min(budget.saturating_sub(self.start.elapsed())))
    }
}
