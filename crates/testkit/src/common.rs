//! 几个练习共有的规则，各写一次；练习的测试各用一行调用。

use std::net::{TcpListener, UdpSocket};
use std::path::Path;

use crate::world::{Outcome::*, PAUSE, Rule, rule};
use crate::{Peer, Program, nobody_listens};

/// 共有的规则：测试的名字，和规则的那一句话。
pub const RULES: [(&str, &str); 4] = [
    (
        "cannot_listen",
        "地址不能用（例如端口已被占用）：一行错误，用中文写明做什么失败、哪个地址、系统的回答，退出状态 1。",
    ),
    ("no_server", "没有服务端：一行错误，用中文写明做什么失败、哪个地址、系统的回答，退出状态 1。"),
    (
        "descriptors_run_out",
        "描述符用完，不能再接受连接：服务端不结束，也不空转，每次在标准错误上写一行，停 100 毫秒再试；不能启动线程时也这样。",
    ),
    (
        "clients_that_vanish",
        "客户端可以一连上就离开、说到一半离开、不读就重置连接：结束的只是它自己的连接，没有线程崩溃。",
    ),
];

/// 名字是 `name` 的共有规则。
fn common(name: &str) -> Rule {
    let (_, sentence) = RULES.iter().find(|(rule, _)| *rule == name).expect("有这条规则");
    rule(sentence)
}

/// 规则 `cannot_listen`：服务端 `exe`，参数是 `args` 和一个被占用的地址（TCP 和 UDP 都占用）。
#[track_caller]
pub fn cannot_listen(exe: &Path, args: &[&str]) {
    let rule = common("cannot_listen");
    let (_tcp, udp) = loop {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("可以监听 127.0.0.1");
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().expect("已经绑定")) {
            break (tcp, udp);
        }
    };
    let addr = udp.local_addr().expect("已经绑定");
    let server = rule.client(exe, args, addr);
    server.expect_error(&[&addr.to_string(), "os error"]);
}

/// 规则 `no_server`：客户端 `exe`，参数是 `args` 和一个没有人监听的地址。
#[track_caller]
pub fn no_server(exe: &Path, args: &[&str]) {
    let rule = common("no_server");
    let (_used, addr) = nobody_listens();
    let client = rule.client(exe, args, addr);
    client.expect_error(&[&addr.to_string(), "os error"]);
}

/// 规则 `descriptors_run_out`：服务端 `exe`，参数是 `args`；`exchange` 是一个客户端与它完整地对话一次。
#[cfg(unix)]
#[track_caller]
pub fn descriptors_run_out(exe: &Path, args: &[&str], exchange: impl Fn(&Peer)) {
    let rule = common("descriptors_run_out").cause(Ended, "在接受连接的循环里用了 ? 或 unwrap");
    // 从 cargo 继承的描述符先关闭，限制才有准数
    let limit = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; ulimit -n 20";
    let dir = std::env::temp_dir();
    let server = rule.server_limited(&dir, limit, exe, args);
    exchange(&server.connect());
    let clients: Vec<Peer> = (0..25).map(|_| server.connect()).collect();
    rule.cause(Silence, "accept 出错时只写了 continue，没有说明");
    // 启动时的几行、每个客户端一行，都是自由的：这时已经写完。几个线程同时在等，各写各的
    rule.0.watch_for(PAUSE, || false);
    let lines = || server.stderr().matches('\n').count();
    let before = lines();
    if before < 100 {
        server.expect_stderr_lines(before + 2); // 出错，再出错
        rule.0.watch_for(3 * PAUSE, || false);
    }
    if before >= 100 || lines() - before > 60 {
        rule.cause(Other, "accept 出错之后立即再试，只是空转");
        server.fail("出错之后停 100 毫秒再试", &format!("不到一秒，写了至少 {} 行", lines()));
    }
    drop(clients);
    rule.cause(Silence, "描述符用完之后，不再接受连接");
    exchange(&server.connect());
    server.expect_running();
    // 线程的栈大到分配不了：一个线程也启动不了
    rule.cause(Ended, "thread::spawn 不能启动线程时会崩溃；thread::Builder 返回错误")
        .cause(Silence, "不能启动线程，却没有说明");
    let server = rule.server_limited(&dir, "export RUST_MIN_STACK=70368744177664", exe, args);
    let before = server.stderr().matches('\n').count();
    let _client = server.connect();
    server.expect_stderr_lines(before + 1);
    server.expect_running();
}

/// 规则 `clients_that_vanish`：由 `start` 启动服务端；`half` 是半个请求，`request` 发送完整的请求，
/// `answer` 收下它的回答。返回服务端。
#[track_caller]
pub fn clients_that_vanish(
    start: impl Fn(&Rule) -> Program,
    half: &[u8],
    request: impl Fn(&Peer),
    answer: impl Fn(&Peer),
) -> Program {
    let rule = common("clients_that_vanish")
        .cause(Ended, "在循环里用了 ? 或 unwrap：一个连接的错误结束了整个程序，或者使线程崩溃");
    let server = start(&rule);
    server.connect().close();
    let client = server.connect();
    client.send(half);
    client.close();
    let client = server.connect();
    request(&client);
    client.reset();
    server.connect().expect_silence(); // 因此结束的程序，这时也结束了
    let client = server.connect();
    request(&client);
    answer(&client);
    server.expect_running();
    server
}
