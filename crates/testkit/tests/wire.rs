//! 转发程序 `wire`：两个方向一个字节也不差，半关闭、断开都传过去，一个客户端的错误不影响别的。

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use testkit::{DEADLINE, Program, TcpListener, TcpStream, UdpSocket, connect, listen, udp_socket};

/// 编译 `wire`，返回它的路径。
fn wire() -> PathBuf {
    let test = std::env::current_exe().expect("测试程序的路径"); // 目标目录/debug/deps/程序
    testkit::answers::example(test.parent().expect("有上一级目录"), "testkit", "wire")
}

/// 启动转发给 `server` 的 `wire`，返回它和它的地址。
fn start(options: &[&str], server: SocketAddr) -> (Program, SocketAddr) {
    let server = server.to_string();
    let mut wire = Program::start(wire(), &[options, &["127.0.0.1:0", &server]].concat());
    let addr = wire.addr();
    (wire, addr)
}

/// 经过 `wire` 的一个连接：客户端的一端，服务端的一端。
fn pair(addr: SocketAddr, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = connect(addr);
    let server = listener.accept().expect("wire 应连接服务端").0;
    server.set_read_timeout(Some(DEADLINE)).unwrap();
    (client, server)
}

/// 各不相同的 `n` 个字节。
fn bytes(n: usize, seed: u32) -> Vec<u8> {
    let next = |x: &mut u32| {
        *x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((*x >> 24) as u8)
    };
    std::iter::successors(Some(seed), |x| Some(x.wrapping_add(1)))
        .take(1)
        .flat_map(|mut x| std::iter::from_fn(move || next(&mut x)))
        .take(n)
        .collect()
}

#[test]
fn both_directions_are_exact_and_half_close_is_passed_on() {
    let (listener, server) = listen();
    let (mut wire, addr) = start(&[], server);
    let (client, server) = pair(addr, &listener);
    let (up, down) = (bytes(3_000_000, 1), bytes(5_000_000, 2));
    let send_and_receive = |mut stream: TcpStream, data: Vec<u8>| {
        let mut half = stream.try_clone().unwrap();
        thread::spawn(move || {
            half.write_all(&data).unwrap();
            half.shutdown(Shutdown::Write).unwrap();
        });
        thread::spawn(move || {
            let mut received = Vec::new();
            stream.read_to_end(&mut received).unwrap();
            received
        })
    };
    let (at_client, at_server) =
        (send_and_receive(client, up.clone()), send_and_receive(server, down.clone()));
    assert!(at_server.join().unwrap() == up && at_client.join().unwrap() == down);
    wire.wait_stdout("客户端甲 --> 服务端  连接（");
    wire.wait_stdout("不再发送");
    wire.wait_stdout("不再发送");
}

#[test]
fn answer_after_the_client_has_half_closed() {
    let (listener, server) = listen();
    let (mut wire, addr) = start(&[], server);
    let (mut client, mut server) = pair(addr, &listener);
    client.write_all("你".as_bytes()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut received = String::new();
    server.read_to_string(&mut received).unwrap();
    assert_eq!(received, "你");
    server.write_all(b"3\n").unwrap();
    wire.assert_receives(&mut client, "3\n");
    drop(server);
    wire.assert_closes(&mut client);
    wire.wait_stdout("--> 服务端  3 字节  \"你\"\n");
    wire.wait_stdout("--> 服务端  不再发送\n");
    wire.wait_stdout("<-- 服务端  2 字节  \"3\\n\"\n");
    wire.wait_stdout("<-- 服务端  不再发送\n");
}

#[test]
fn reset_ends_the_other_side_too() {
    let (listener, server) = listen();
    let (mut wire, addr) = start(&[], server);
    let (client, mut server) = pair(addr, &listener);
    server.write_all(b"unread").unwrap();
    testkit::reset(client);
    wire.assert_closes(&mut server);
    wire.wait_stdout("--> 服务端  重置连接");
    // 服务端不读就离开：客户端再发送，连接也结束
    let (mut client, server) = pair(addr, &listener);
    client.write_all(b"unread").unwrap();
    testkit::reset(server);
    let end = Instant::now() + DEADLINE;
    while client.write_all(&[0; 10_000]).is_ok() {
        assert!(Instant::now() < end, "服务端已经离开，客户端还能发送");
    }
}

#[test]
fn server_that_answers_early_and_leaves() {
    let (listener, server) = listen();
    let (mut wire, addr) = start(&[], server);
    let (mut client, mut server) = pair(addr, &listener);
    client.write_all(&[b'x'; 1000]).unwrap();
    server.read_exact(&mut [0; 1000]).unwrap();
    server.write_all(b"bye").unwrap();
    drop(server);
    wire.assert_receives(&mut client, "bye");
    wire.assert_closes(&mut client);
    let end = Instant::now() + DEADLINE;
    while client.write_all(&[0; 10_000]).is_ok() {
        assert!(Instant::now() < end, "服务端已经离开，客户端还能发送");
    }
}

#[test]
fn server_that_dies_while_both_are_sending() {
    let (listener, server) = listen();
    let (_wire, addr) = start(&[], server);
    let (mut client, mut server) = pair(addr, &listener);
    // 服务端只发送，不接收，直到各个缓冲区都满了；然后不读就离开
    server.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    while server.write_all(&[b'x'; 65_536]).is_ok() {}
    let sending = thread::spawn(move || {
        // 客户端先发完，再接收：有人替服务端收下，它才发得完
        let sent = client.write_all(&vec![b'y'; 30_000_000]);
        (sent, client)
    });
    thread::sleep(Duration::from_millis(300)); // 让两个方向都停住
    drop(server);
    let (sent, client) = sending.join().unwrap();
    assert!(!sent.is_err_and(|e| testkit::timed_out(&e)), "客户端停住了");
    drop(client);
}

#[test]
fn many_clients_at_once() {
    let (listener, server) = listen();
    let (mut wire, addr) = start(&[], server);
    let mut pairs: Vec<_> = (0..200).map(|_| pair(addr, &listener)).collect();
    for (i, (client, _)) in pairs.iter_mut().enumerate() {
        client.write_all(format!("{i:03}").as_bytes()).unwrap();
    }
    for (i, (_, server)) in pairs.iter_mut().enumerate().rev() {
        wire.assert_receives(server, &format!("{i:03}"));
        server.write_all(format!("answer {i:03}").as_bytes()).unwrap();
    }
    for (i, (client, _)) in pairs.iter_mut().enumerate() {
        wire.assert_receives(client, &format!("answer {i:03}"));
    }
    wire.wait_stdout("客户端200 --> 服务端  3 字节  \"199\"");
}

#[test]
fn server_that_is_not_there() {
    let (listener, server) = listen();
    drop(listener);
    let (mut wire, addr) = start(&[], server);
    wire.assert_closes(&mut connect(addr));
    wire.wait_stdout(&format!("客户端甲 <-- 服务端  无法连接 {server}："));
    // 服务端启动之后，下一个客户端照常
    let listener = TcpListener::bind(server).unwrap();
    let (mut client, mut server) = pair(addr, &listener);
    client.write_all(b"hello").unwrap();
    wire.assert_receives(&mut server, "hello");
    wire.wait_stdout("客户端乙 --> 服务端  5 字节  \"hello\"");
}

#[test]
fn slow_splits_the_stream() {
    let (listener, server) = listen();
    let (mut wire, addr) = start(&["--slow", "4"], server);
    let (mut client, mut server) = pair(addr, &listener);
    client.write_all("你好吗\n".as_bytes()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut first = [0; 100];
    let n = server.read(&mut first).unwrap();
    assert_eq!(first[..n], "你好吗\n".as_bytes()[..4]);
    let mut rest = Vec::new();
    server.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, "你好吗\n".as_bytes()[4..]);
    wire.wait_stdout("4 字节  \"你\" + e5\n");
    wire.wait_stdout("4 字节  a5 bd e5 90\n");
    wire.wait_stdout("2 字节  97 + \"\\n\"\n");
}

#[test]
fn glue_joins_the_messages() {
    let (listener, server) = listen();
    let (mut wire, addr) = start(&["--glue", "500"], server);
    let (mut client, mut server) = pair(addr, &listener);
    client.set_nodelay(true).unwrap();
    for message in ["张三\n", "李四\n", "王五\n"] {
        client.write_all(message.as_bytes()).unwrap();
        wire.assert_silent(&mut server, Duration::from_millis(100));
    }
    let mut received = [0; 100];
    let n = server.read(&mut received).unwrap();
    assert_eq!(received[..n], *"张三\n李四\n王五\n".as_bytes());
    wire.wait_stdout("21 字节（3 段合成）  \"张三\\n李四\\n王五\\n\"\n");
}

#[test]
fn datagrams_go_back_to_their_clients() {
    let (server, addr) = udp_socket();
    let (mut wire, wire_addr) = start(&["--udp"], addr);
    let clients: Vec<UdpSocket> = (0..20).map(|_| udp_socket().0).collect();
    let mut buffer = vec![0; 65_536];
    for (i, client) in clients.iter().enumerate() {
        client.send_to(format!("问题 {i}").as_bytes(), wire_addr).unwrap();
    }
    let questions: Vec<_> = clients.iter().map(|_| wire.recv_from(&server)).collect();
    for (question, from) in questions.iter().rev() {
        let question = String::from_utf8(question.clone()).unwrap();
        server.send_to(question.replace("问题", "回答").as_bytes(), *from).unwrap();
    }
    for (i, client) in clients.iter().enumerate() {
        let (n, from) = client.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..n], from), (format!("回答 {i}").as_bytes(), wire_addr));
    }
    // 空的和很长的数据报，同一个客户端
    for data in [vec![], bytes(9000, 3)] {
        clients[0].send_to(&data, wire_addr).unwrap();
        let (received, from) = wire.recv_from(&server);
        assert!(received == data);
        assert_eq!(from, questions.iter().find(|(q, _)| q.ends_with(b" 0")).unwrap().1);
    }
    wire.wait_stdout("客户端20 <-- 服务端  9 字节  \"回答 19\"\n");
}

#[test]
fn every_third_datagram_is_lost() {
    let (server, addr) = udp_socket();
    let (mut wire, wire_addr) = start(&["--udp", "--lose", "3"], addr);
    let (client, _) = udp_socket();
    for i in 1..=9 {
        client.send_to(i.to_string().as_bytes(), wire_addr).unwrap();
    }
    let received: Vec<Vec<u8>> = (0..6).map(|_| wire.recv_from(&server).0).collect();
    assert_eq!(received.concat(), b"124578");
    wire.wait_stdout("客户端甲 --x 服务端  1 字节（丢失）  \"3\"\n");
}

#[test]
fn no_udp_server() {
    let (server, addr) = udp_socket();
    drop(server);
    let (mut wire, wire_addr) = start(&["--udp"], addr);
    let (client, _) = udp_socket();
    client.send_to(b"a", wire_addr).unwrap();
    wire.wait_stdout("1 字节  \"a\"\n");
    wire.wait_stdout("客户端甲 <-- 服务端  出错：");
    // 服务端启动之后照常：系统报告没有服务端的错误，不影响后面的数据报
    let server = UdpSocket::bind(addr).unwrap();
    let end = Instant::now() + DEADLINE;
    server.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    while server.recv(&mut [0; 10]).is_err() {
        assert!(Instant::now() < end, "数据报没有转到");
        client.send_to(b"b", wire_addr).unwrap();
    }
    wire.wait_stdout("\"b\"\n");
    wire.assert_running();
    assert!(!wire.stdout().contains("客户端乙"), "始终是同一个客户端");
}

#[test]
fn wrong_arguments() {
    let addr = "127.0.0.1:0";
    for args in [
        &[][..],
        &[addr],
        &[addr, "abc"],
        &[addr, addr, addr],
        &["--slow", "0", addr, addr],
        &["--slow", addr, addr],
        &["--lose", "3", addr, addr],
        &["--udp", "--glue", "3", addr, addr],
        &["--what", addr, addr],
    ] {
        let mut wire = Program::start(wire(), args);
        wire.assert_exit(2);
        wire.assert_stdout("");
        assert!(wire.stderr().starts_with("用法："), "{args:?}");
    }
    let (_listener, taken) = listen();
    let mut wire = Program::start(wire(), &[&taken.to_string(), addr]);
    wire.assert_error(&["错误：无法监听", &taken.to_string()]);
}
