//! 图片网页：故障测试。随机而可以重放，用 `just fire` 运行，用 `just soak` 长时间运行。
#![cfg(unix)]

#[allow(dead_code)]
mod http;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use http::{describe, exchange, parse, receive, request, seconds, start_server};
use testkit::fire::{Ending, Peer, Random, Tally, in_parallel, reset_now, rounds, start_limited};
use testkit::{DEADLINE, Program, TcpStream, connect, program, timed_out};

const IMAGE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/image.jpg"));

/// 请求头最多 8192 字节；多出这些的一定过长，不管怎样计算结尾的空行。
const TOO_LONG: usize = 8192 + 100;

/// 代替响应码：没有响应，连接正常关闭。
const NO_RESPONSE: u16 = 0;

/// 收齐请求头的时限是 5 秒；两边留有余地，因为计时不会完全相同，机器也可能很忙。
const TOO_EARLY: Duration = Duration::from_millis(4500);
const TOO_LATE: Duration = Duration::from_secs(8);

/// 各种请求，和规定的响应码。
fn requests() -> Vec<(Vec<u8>, u16)> {
    let get = |rest: &str| format!("GET /image.jpg {rest}\r\n\r\n");
    let cookie = |n| get(&format!("HTTP/1.1\r\nHost: a\r\nCookie: {}", "x".repeat(n)));
    let body = "Content-Length: 20000\r\n\r\n".to_string() + &"x".repeat(20_000);
    let requests = [
        (request("GET", "/"), 200),
        (request("GET", "/image.jpg?a=/b"), 200),
        (request("HEAD", "/image.jpg"), 200),
        (request("HEAD", "/nope?/image.jpg"), 404),
        (request("GET", "/favicon.ico"), 404),
        (request("POST", "/nope"), 404),
        (request("POST", "/?a=1"), 405),
        (request("POST", "/image.jpg").replace("\r\n\r\n", "\r\n") + &body, 405),
        (get("HTTP/1.0"), 200),
        (get("HTTP/1.1\r\nAccept: */*\r\nhOST:a"), 200),
        (get("HTTP/1.1"), 400),
        (get("HTTP/1.1\r\nHost: a\r\nHost: a"), 400),
        (get("HTTP/2.0\r\nHost: a"), 505),
        (cookie(7000), 200),
        (cookie(9000), 431),
    ];
    requests.map(|(request, status)| (request.into_bytes(), status)).to_vec()
}

/// 浏览器发出 `bytes`，再关闭写方向：允许的响应码，其中可以有 [`NO_RESPONSE`]。
///
/// 只有一个的，是没有改动的请求（后面可以粘连别的），或者过长的请求头。
fn allowed(bytes: &[u8], requests: &[(Vec<u8>, u16)]) -> Vec<u16> {
    if let Some((_, status)) = requests.iter().find(|(request, _)| bytes.starts_with(request)) {
        return vec![*status];
    }
    let find = |end: &[u8]| bytes.windows(end.len()).position(|window| window == end);
    let any_end = find(b"\n\r\n").into_iter().chain(find(b"\n\n")).min();
    let complete = [200, 400, 404, 405, 431, 505];
    let incomplete = [NO_RESPONSE, 400, 408, 431];
    match (any_end, find(b"\r\n\r\n")) {
        _ if any_end.unwrap_or(bytes.len()) > TOO_LONG => vec![431, 400, 505], // 哪个在先没有规定
        (_, Some(_)) => complete.to_vec(),
        (None, None) => incomplete.to_vec(),
        (Some(_), None) => [complete.as_slice(), &incomplete].concat(), // 单独的 \n 可以当作行尾
    }
}

/// 从 `stream` 读到连接关闭，检查 `request` 得到一个完整的响应，响应码是 `statuses` 之一。
fn check(mut stream: &TcpStream, request: &[u8], statuses: &[u16]) -> Result<(), String> {
    let mut received = Vec::new();
    let end = Read::take(&mut stream, 1 << 20).read_to_end(&mut received);
    let is_certain = statuses.len() == 1;
    let response = match end {
        Err(e) if timed_out(&e) => Err("等了很久，服务端没有结束连接".to_string()),
        Err(e) => Err(format!("连接被重置，响应可能丢失（{e}）")),
        Ok(0) if statuses.contains(&NO_RESPONSE) => return Ok(()),
        // 请求有错误时，没有规定 HEAD 的响应有没有响应体
        Ok(_) if !is_certain && request.to_ascii_uppercase().starts_with(b"HEAD") => {
            parse(&received, b"HEAD ").or(parse(&received, b"GET "))
        }
        Ok(_) => parse(&received, request),
    };
    let wants_picture = statuses == [200] && request.starts_with(b"GET /image.jpg");
    let problem = match response {
        Ok(response) if !statuses.contains(&response.status) => {
            format!("响应码是 {}", response.status)
        }
        Ok(response) if wants_picture && response.body != IMAGE => {
            "响应体与 image.jpg 不同".to_string()
        }
        Ok(_) => return Ok(()),
        Err(problem) => problem,
    };
    let note = if statuses.contains(&NO_RESPONSE) { "（0：没有响应）" } else { "" };
    Err(format!(
        "一个完整的响应，响应码是 {statuses:?}{note}，然后连接正常关闭\n\
         问题：{problem}\n{}",
        describe(&received, request),
    ))
}

/// 好客户端：请求 `path`，检查响应。
fn fetch(addr: SocketAddr, path: &str) -> Result<(), String> {
    let (mut stream, request) = (connect(addr), request("GET", path).into_bytes());
    let _ = stream.write_all(&request); // 连接已经断开：由 check 报告
    check(&stream, &request, &[200])
}

/// 检查服务端没有崩溃过，并且仍能发出网页和图片。
#[track_caller]
fn assert_healthy(server: &mut Program, addr: SocketAddr) {
    for path in ["/", "/image.jpg"] {
        if let Err(problem) = fetch(addr, path) {
            server.fail(&format!("故障之后，好客户端得到{problem}"));
        }
    }
    server.assert_not_panicked();
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn bad_peers() {
    rounds(|random, tally| {
        let (mut server, addr) = start_server(
            "8 个客户端同时运行，各自轮流充当坏客户端和好客户端：坏客户端发送任意字节，\n\
             或者完整、截断、粘连、改动一个字节的请求，分段或缓慢地发送，半关闭、离开或重置；\n\
             好客户端请求网页和图片。\n\
             常见原因：把一次 read 当作整个请求；请求没有读完就关闭，连接被重置；用了下标或 unwrap。",
        );
        let requests = requests();
        let messages: Vec<Vec<u8>> = requests.iter().map(|(request, _)| request.clone()).collect();
        let mut peers: Vec<Peer> =
            (0..150).map(|_| Peer::random(random, tally, &messages)).collect();
        for _ in 0..50 {
            let message = random.pick(&messages).clone();
            peers.insert(random.below(peers.len()), Peer::new(random, tally, message));
            tally.add("完整", 1);
        }
        let results = in_parallel(&peers, 8, |peer| {
            if peer.ending == Ending::HalfClose {
                let statuses = allowed(&peer.bytes, &requests);
                let is_certain = statuses.len() == 1;
                tally.add(if is_certain { "响应码唯一" } else { "响应码不唯一" }, 1);
                let stream = peer.send(addr);
                let _ = stream.shutdown(Shutdown::Write);
                check(&stream, &peer.bytes, &statuses)
                    .map_err(|problem| format!("半关闭的坏客户端得到{problem}"))?;
            } else {
                peer.attack(addr);
            }
            let path = ["/", "/image.jpg"][peer.bytes.len() % 2];
            fetch(addr, path).map_err(|problem| format!("好客户端得到{problem}"))
        });
        if let Some(problem) = results.into_iter().find_map(Result::err) {
            server.fail(&problem);
        }
        tally.add("好客户端的正确响应", peers.len());
        assert_healthy(&mut server, addr);
    });
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn reset_at_every_byte() {
    rounds(|random, tally| {
        let (mut server, addr) = start_server(
            "浏览器在请求的第 0、1、2……个字节之后，或者收到图片的一部分之后重置连接；\n\
             每次重置之后，好客户端照常得到图片。\n\
             常见原因：对 read 或 write 的结果用了 unwrap；一个连接的错误结束了整个程序。",
        );
        let picture = "GET /image.jpg HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut cuts: Vec<(usize, usize)> = (0..=picture.len()).map(|sent| (sent, 0)).collect();
        cuts.extend((0..20).map(|_| (picture.len(), 1 + random.below(IMAGE.len()))));
        for (sent, received) in cuts {
            let mut client = connect(addr);
            client.write_all(&picture.as_bytes()[..sent]).unwrap();
            if let Err(e) = client.read_exact(&mut vec![0; received]) {
                server.fail(&format!("收到响应的前 {received} 字节；实际：{e}"));
            }
            reset_now(client);
            tally.add(if received == 0 { "发送时重置" } else { "接收图片时重置" }, 1);
            if let Err(problem) = fetch(addr, "/image.jpg") {
                server.fail(&format!(
                    "发出 {sent} 字节、收到 {received} 字节之后重置；好客户端得到{problem}"
                ));
            }
        }
        assert_healthy(&mut server, addr);
    });
}

/// 启动描述符很少的服务端，用备用连接占满，检查早先的连接照常得到图片；返回服务端、地址和备用连接。
fn run_out(random: &mut Random, tally: &Tally) -> (Program, SocketAddr, Vec<TcpStream>) {
    let limit = 20 + random.below(40);
    let ulimit = format!("ulimit -n {limit}");
    let exe = program(cargo_bin!());
    let (mut server, addr) = start_limited(
        Path::new("."),
        &ulimit,
        &exe,
        &["127.0.0.1:0"],
        "什么也不发的备用连接多到描述符用完：服务端在标准错误上说明（前两行是地址和 URL），\n\
         继续服务已有的连接；备用连接关闭，或者过了时限之后，又能接受新的。\n\
         常见原因：接受连接的循环用 ? 或 unwrap 处理错误，或者不说明就忽略；收请求头没有时限；\n\
         响应之后一直等浏览器关闭。",
    );
    let mut other = connect(addr);
    let flood: Vec<TcpStream> = (0..limit).map(|_| connect(addr)).collect();
    tally.add("备用连接", flood.len());
    server.wait_stderr_lines(3);
    tally.add("描述符用完", 1);
    let picture = request("GET", "/image.jpg");
    other.write_all(picture.as_bytes()).unwrap();
    receive(&mut server, &mut other, picture.as_bytes(), 200);
    (server, addr, flood)
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn descriptors_run_out() {
    rounds(|random, tally| {
        let (mut server, addr, flood) = run_out(random, tally);
        drop(flood);
        assert_healthy(&mut server, addr);
    });
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn descriptors_run_out_and_nobody_leaves() {
    rounds(|random, tally| {
        let (mut server, addr, flood) = run_out(random, tally);
        server.explain(
            "描述符用完，备用连接一直零星地发送，也不关闭：5 秒时得到 408，再过最多 5 秒，服务端关闭它们，\n\
             又能接受新的连接。\n\
             常见原因：响应之后一直等浏览器关闭；这时的时限只管一次 read。",
        );
        thread::spawn(move || {
            // 零星发送就是这个测试本身；服务端都关闭了，或者结束了，就不再发送
            let send = |stream: &TcpStream| stream.as_std().write_all(b"x").is_ok(); // 不画出来
            while flood.iter().filter(|stream| send(stream)).count() > 0 {
                thread::sleep(Duration::from_millis(500));
            }
        });
        let mut stream = connect(addr);
        stream.set_read_timeout(Some(2 * DEADLINE)).unwrap();
        let page = request("GET", "/");
        stream.write_all(page.as_bytes()).unwrap();
        receive(&mut server, &mut stream, page.as_bytes(), 200);
        assert_healthy(&mut server, addr);
    });
}

/// 用 perl 打开的连接；离开作用域时都关闭。
struct Clients(Child);

impl Drop for Clients {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// 用 perl 打开 `count` 个连接，各发送 `request`，以后既不读也不关闭；返回时都已连接。
///
/// 接收缓冲区和报文段都很小，服务端的发送缓冲区因此也小；`limit` 是先运行的 shell 命令。
fn never_read(addr: SocketAddr, count: usize, request: &str, limit: &str) -> Clients {
    const SCRIPT: &str = "use Socket; my ($port, $count, $request) = @ARGV; my @all;
        for (1..$count) {
            alarm 10; # 每个连接的期限
            socket(my $socket, PF_INET, SOCK_STREAM, 0) or die $!;
            setsockopt($socket, SOL_SOCKET, SO_RCVBUF, 1024);
            setsockopt($socket, 6, 2, 536); # TCP_MAXSEG
            connect($socket, sockaddr_in($port, INADDR_LOOPBACK)) or die $!;
            syswrite($socket, $request);
            push @all, $socket;
            select(undef, undef, undef, 0.0002); # 连接得太快，系统的队列满了，就要等一秒再试
        }
        alarm 0; syswrite(STDOUT, 'all'); sleep";
    let (port, number) = (addr.port().to_string(), count.to_string());
    let shell = format!(r#"{limit}; exec perl -e "$0" "$@""#);
    let mut command = Command::new("sh");
    command.args(["-c", &shell, SCRIPT, &port, &number, request]).stdout(Stdio::piped());
    let mut clients = Clients(command.spawn().unwrap());
    let connected = clients.0.stdout.take().unwrap().read_exact(&mut [0; 3]);
    assert!(
        connected.is_ok(),
        "\n应当：服务端接受 {count} 个连接；实际：有一个等了 10 秒，没有连接上"
    );
    clients
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn browsers_that_never_read() {
    rounds(|_, tally| {
        let (mut server, addr) = start_limited(
            Path::new("."),
            "ulimit -n 30",
            &program(cargo_bin!()),
            &["127.0.0.1:0"],
            "40 个浏览器请求图片，不读响应，也不离开，服务端的描述符用完：\n\
             最多 5 秒，服务端不再等它们，又能接受新的连接。\n\
             常见原因：发送没有时限（set_write_timeout）。",
        );
        let clients = never_read(addr, 40, &request("GET", "/image.jpg"), "true");
        server.wait_stderr_lines(3);
        tally.add("不读响应", 40);
        let mut stream = connect(addr);
        stream.set_read_timeout(Some(2 * DEADLINE)).unwrap();
        let page = request("GET", "/");
        stream.write_all(page.as_bytes()).unwrap();
        receive(&mut server, &mut stream, page.as_bytes(), 200);
        drop(clients);
        assert_healthy(&mut server, addr);
    });
}

/// 线程最多的个数，和计数时容许的误差：正在结束的线程也在内。
const MAX_THREADS: usize = 10_000;
const A_FEW: usize = 20;

/// 备用连接比线程多这么多：它们留在系统的队列里，队列只有 128 个位置。
const MORE: usize = 100;

#[cfg(target_os = "linux")] // 线程的个数要从 /proc 里读
#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn threads_have_a_limit() {
    let limit = "ulimit -n 12000";
    let allowed = Command::new("sh").args(["-c", limit]).status().unwrap().success();
    if !allowed {
        println!("跳过 threads_have_a_limit：这里不允许一个进程有 12000 个描述符");
        return;
    }
    rounds(|_, tally| {
        let (mut server, addr) = start_limited(
            Path::new("."),
            limit,
            &program(cargo_bin!()),
            &["127.0.0.1:0"],
            "一万多个备用连接：服务端最多启动 10000 个线程，不崩溃；它们离开之后照常服务。\n\
             常见原因：线程的个数没有上限，内存映射用完，程序崩溃；结束的线程还算数。",
        );
        let clients = never_read(addr, MAX_THREADS + MORE, "", limit);
        let tasks = format!("/proc/{}/task", server.id());
        let mut threads = 0;
        for _ in 0..20 {
            server.wait_output(Duration::from_millis(100)); // 已经连接的，服务端未必已经接受
            threads = threads.max(std::fs::read_dir(&tasks).map_or(0, Iterator::count));
        }
        tally.add("备用连接", MAX_THREADS + MORE);
        tally.add("线程", threads);
        if threads > MAX_THREADS + A_FEW {
            server.fail(&format!("最多 {MAX_THREADS} 个线程；实际有 {threads} 个"));
        }
        drop(clients);
        assert_healthy(&mut server, addr);
        // 结束的线程不再算数：又来一些备用连接，照样有新的线程
        let _spare: Vec<TcpStream> = (0..50).map(|_| connect(addr)).collect();
        let response = exchange(&mut server, addr, request("GET", "/"), 200);
        if response.time >= Duration::from_secs(3) {
            server.fail(&format!(
                "备用连接不影响好客户端立即得到网页；实际用了 {}",
                seconds(response.time)
            ));
        }
    });
}

/// 连接 `addr`，每隔 `pause` 发送一个字节，直到收到响应；检查它是 408，在 5 秒时到达。
fn trickle(addr: SocketAddr, pause: Duration) -> Result<(), String> {
    let header = format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {}", "x".repeat(1000));
    let start = Instant::now();
    let mut stream = connect(addr);
    stream.set_read_timeout(Some(pause)).unwrap(); // 等响应的第一个字节，就是停顿
    for byte in header.bytes() {
        let sent = stream.write_all(&[byte]);
        if sent.is_err() || stream.peek(&mut [0]).is_ok() || start.elapsed() > TOO_LATE {
            break;
        }
    }
    let time = start.elapsed();
    if !(TOO_EARLY..TOO_LATE).contains(&time) {
        let (pause, time) = (pause.as_millis(), seconds(time));
        return Err(format!("每隔 {pause} 毫秒发送一个字节，5 秒时收到 408；实际等了 {time}"));
    }
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    check(&stream, header.as_bytes(), &[408])
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn slow_senders() {
    rounds(|random, tally| {
        let (mut server, addr) = start_server(
            "8 个浏览器同时零星地发送请求头：都在连接之后 5 秒收到 408；这期间好客户端立即得到响应。\n\
             常见原因：没有时限；时限只管一次 read；一次只服务一个连接。",
        );
        let pauses: Vec<u64> = (0..8).map(|_| 20 + random.below(480) as u64).collect();
        tally.add("零星发送", pauses.len());
        thread::scope(|scope| {
            let slow: Vec<_> = pauses
                .iter()
                .map(|&pause| scope.spawn(move || trickle(addr, Duration::from_millis(pause))))
                .collect();
            while slow.iter().any(|client| !client.is_finished()) {
                let response = exchange(&mut server, addr, request("GET", "/image.jpg"), 200);
                if response.time >= Duration::from_secs(3) {
                    server.fail(&format!(
                        "好客户端立即得到图片；实际用了 {}",
                        seconds(response.time)
                    ));
                }
                tally.add("好客户端的正确响应", 1);
                thread::sleep(Duration::from_millis(10)); // 好客户端的停顿，不是等待
            }
            for client in slow {
                if let Err(problem) = client.join().expect("零星发送的线程崩溃") {
                    server.fail(&problem);
                }
            }
        });
        assert_healthy(&mut server, addr);
    });
}
