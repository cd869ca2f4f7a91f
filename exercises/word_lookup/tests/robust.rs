//! 网络单词查询：真实的网络和真实的用户。

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use testkit::{DEADLINE, Program, UdpSocket, program, udp_socket};

/// 足够一个错误的程序露出破绽；正确的程序在这段时间里没有事做。
const PAUSE: Duration = Duration::from_millis(300);

/// 最大的 UDP 数据报（IPv4）；macOS 默认不让程序发送这样大的。
const MAX_DATAGRAM: usize = if cfg!(target_os = "macos") { 9_216 } else { 65_507 };

const UNKNOWN: &str = "没有找到这个单词";

/// 启动服务端，返回它和只与它收发的套接字；`situation` 说明测试做什么。
#[track_caller]
fn start_server(situation: &str) -> (Program, UdpSocket) {
    let mut server = Program::start(program(cargo_bin!()), &["server", "127.0.0.1:0"]);
    server.explain(situation);
    let addr = server.addr();
    (server, connected_to(addr))
}

/// 只与 `addr` 收发的套接字。
fn connected_to(addr: SocketAddr) -> UdpSocket {
    let socket = udp_socket().0;
    socket.connect(addr).unwrap();
    socket
}

/// 启动客户端，等它显示提示符，返回它和测试扮演的服务端；`situation` 说明测试做什么。
#[track_caller]
fn start_client(situation: &str) -> (Program, UdpSocket) {
    let (socket, addr) = udp_socket();
    (start_client_of(addr, situation), socket)
}

/// 启动向 `addr` 查询的客户端，等它显示提示符。
#[track_caller]
fn start_client_of(addr: SocketAddr, situation: &str) -> Program {
    let mut client = Program::start(program(cargo_bin!()), &["client", &addr.to_string()]);
    client.explain(situation);
    client.wait_stdout(">>");
    client
}

/// 等客户端发来下一个数据报，检查它正是 `word`，返回来源。
#[track_caller]
fn assert_asked(client: &mut Program, socket: &UdpSocket, word: &str) -> SocketAddr {
    let (data, from) = client.recv_from(socket);
    if data != word.as_bytes() {
        client.fail(&format!("客户端发来 {}；实际：{}", short(word.as_bytes()), short(&data)));
    }
    from
}

/// 用户输入 `word`，客户端发来它，得到回答 `answer`，打印 `printed`，再次提示。
#[track_caller]
fn look_up(client: &mut Program, socket: &UdpSocket, word: &str, answer: &[u8], printed: &str) {
    client.type_line(word);
    let from = assert_asked(client, socket, word);
    socket.send_to(answer, from).unwrap();
    client.wait_stdout(&format!("{printed}\n>>"));
}

/// 用于失败信息：开头的一段，不可见的字节写成转义序列。
fn short(bytes: &[u8]) -> String {
    match bytes.get(..60) {
        Some(start) => format!("{:?}…（共 {} 字节）", String::from_utf8_lossy(start), bytes.len()),
        None => format!("{:?}", String::from_utf8_lossy(bytes)),
    }
}

/// 检查从 `start` 到现在大约过了 `seconds` 秒：不会更早，机器繁忙时可以晚一些。
#[track_caller]
fn assert_elapsed(client: &mut Program, start: Instant, seconds: f32, what: &str) {
    let elapsed = start.elapsed().as_secs_f32();
    if !(seconds - 0.1..seconds + 1.4).contains(&elapsed) {
        client.fail(&format!("输入单词 {seconds} 秒之后{what}；实际：{elapsed:.1} 秒之后"));
    }
}

/// 检查客户端在标准错误上恰好写了一行，其中有 `addr`。
#[track_caller]
fn assert_one_complaint(client: &mut Program, addr: SocketAddr) {
    client.wait_stderr("\n");
    let stderr = client.stderr();
    if stderr.lines().count() != 1 || !stderr.contains(&addr.to_string()) {
        client.fail(&format!("标准错误上恰好有一行，写明地址 {addr}"));
    }
}

/// 检查客户端发来的都已经收下：`socket` 没有更多的数据报。
#[track_caller]
fn assert_no_more(client: &mut Program, socket: &UdpSocket) {
    socket.set_nonblocking(true).unwrap();
    let mut buffer = [0; 100];
    if let Ok(n) = socket.recv(&mut buffer) {
        client.fail(&format!("客户端不再发送；实际又发来 {}", short(&buffer[..n])));
    }
    socket.set_nonblocking(false).unwrap();
}

/// 词典 `dict.txt` 的各行：单词和解释。
fn dict() -> Vec<(String, String)> {
    let dict = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/dict.txt")).unwrap();
    let entry = |line: &str| line.split_once('\t').map(|(word, text)| (word.into(), text.into()));
    dict.lines().filter_map(entry).collect()
}

/// 词典中单词 `word` 的解释。
fn explanation(word: &str) -> String {
    let entry = dict().into_iter().find(|(entry, _)| entry == word);
    entry.expect("dict.txt 中没有这个单词").1
}

#[test]
fn every_word_of_the_dictionary() {
    let (mut server, socket) = start_server(
        "依次查询 dict.txt 中的每一个单词，全部用大写字母。\n\
         常见原因：词典只读了一部分；单词中的空格、- 或 / 没有当作单词的一部分。",
    );
    for (word, explanation) in dict() {
        server.assert_answer(&socket, word.to_uppercase(), &explanation);
    }
}

#[test]
fn part_of_a_word_is_another_word() {
    let (mut server, socket) = start_server(
        "查询的内容只是某个单词的一部分，或者比它多一些，或者是解释中的文字：都算词典中没有的单词。\n\
         常见原因：用了 contains、starts_with 或 find；应要求与词典中的单词完全相同。",
    );
    let line = format!("tcp\t{}", explanation("tcp"));
    for word in
        ["tc", "tcpx", "cp", "xtcp", "tcp udp", "ip  address", "传输控制协议", "网络", &line]
    {
        server.assert_answer(&socket, word, UNKNOWN);
    }
    server.assert_answer(&socket, "tcp", &explanation("tcp"));
}

#[test]
fn word_that_is_not_utf8_or_empty() {
    let (mut server, socket) = start_server(
        "数据报不是 UTF-8，或者是空的，或者只有空白：都算词典中没有的单词，服务端继续运行。\n\
         常见原因：用了 String::from_utf8 和 ? 或 unwrap；丢弃了无效的字节；把 0 字节当作对方已经关闭。",
    );
    let invalid = [&b"\xff\xfe"[..], b"\xfftcp", b"t\xffcp", b"tcp\xff", b"tcp\xe4\xbd", b"tcp\0"];
    for word in invalid.into_iter().chain([&b""[..], b" \r\n"]) {
        server.assert_answer(&socket, word, UNKNOWN);
    }
    server.assert_answer(&socket, "tcp", &explanation("tcp"));
}

#[test]
fn many_clients_at_once() {
    let (mut server, socket) = start_server(
        "50 个客户端同时各查一个不同的单词，还有 50 个不等回答就离开：前者都得到自己的回答。\n\
         常见原因：回答没有发给这个单词的来源；丢弃了排队的数据报；发送出错就结束了程序。",
    );
    let addr = socket.peer_addr().unwrap();
    let words = dict().into_iter().skip(50).take(50);
    let clients: Vec<_> = words.map(|entry| (connected_to(addr), entry)).collect();
    let mut left = Vec::new(); // 不等回答就离开的
    for (client, (word, _)) in &clients {
        let _ = client.send(word.as_bytes());
        let (socket, own_addr) = udp_socket();
        let _ = socket.send_to(b"tcp", addr);
        socket.connect(own_addr).unwrap(); // 不再收服务端的回答，如同已经关闭；端口还占着，不会给别的测试
        left.push(socket);
    }
    for (client, (_, explanation)) in clients.iter().rev() {
        server.assert_datagram(client, explanation);
    }
    server.assert_answer(&socket, "udp", &explanation("udp"));
}

#[test]
fn very_long_datagram() {
    let (mut server, socket) = start_server(
        "很长的数据报也要收完整：“tcp、许多空格、x”不是 tcp；“许多空格、tcp”是 tcp。最长的数据报也一样。\n\
         常见原因：接收缓冲区太小，数据报被截断，剩下的部分成了另一个单词。",
    );
    for n in [2000, MAX_DATAGRAM] {
        server.assert_answer(&socket, format!("{:<1$}x", "tcp", n - 1), UNKNOWN);
        server.assert_answer(&socket, format!("{:>n$}", "tcp"), &explanation("tcp"));
    }
    server.assert_answer(&socket, "udp", &explanation("udp"));
}

#[test]
fn server_that_cannot_bind() {
    let (_socket, addr) = udp_socket();
    let mut server = Program::start(program(cargo_bin!()), &["server", &addr.to_string()]);
    server.explain(
        "端口已被占用：用一行错误说明做什么失败、哪个地址、系统的回答，退出状态 1。\n\
         常见原因：只用了 ?，错误中没有地址；应加上 map_err，见 udp_server。",
    );
    server.assert_error(&["错误：", &addr.to_string()]);
}

#[test]
fn empty_line_prompts_again() {
    let (mut client, socket) = start_client(
        "用户在空行上按回车，再输入单词：空行不发送，再次显示 >>。\n\
         常见原因：空行也发给了服务端；空行被当作输入结束。",
    );
    client.type_line("");
    let start = Instant::now();
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    while client.stdout() == ">>" && start.elapsed() < DEADLINE {
        let mut buffer = [0; 100];
        if let Ok((n, _)) = socket.recv_from(&mut buffer) {
            client.fail(&format!("空行不发送；实际发来 {}", short(&buffer[..n])));
        }
    }
    client.wait_stdout(">>");
    look_up(&mut client, &socket, "tcp", "回答".as_bytes(), "回答");
    client.assert_stdout(">>>>回答\n>>");
}

#[test]
fn end_of_input_ends_the_client() {
    let situation = "用户按 Ctrl-D：客户端正常结束，退出状态 0，## 也不发送；这之前没有换行的一行，仍是一个单词。\n\
                     常见原因：没有处理 read_line 返回 0，程序不停地显示 >> 或发送空行。";
    let (mut client, socket) = start_client(situation);
    client.end_input();
    client.wait_output(PAUSE); // 正确的程序不输出，立即结束
    assert_no_more(&mut client, &socket);
    client.assert_exit(0);
    client.assert_stdout(">>");
    assert_no_more(&mut client, &socket);
    let (mut client, socket) = start_client(situation);
    client.type_bytes(b"tcp");
    client.end_input();
    let from = assert_asked(&mut client, &socket, "tcp");
    socket.send_to("回答".as_bytes(), from).unwrap();
    client.assert_exit(0);
    client.assert_stdout(">>回答\n>>");
    assert_no_more(&mut client, &socket);
}

#[test]
fn two_words_typed_at_once() {
    let (mut client, socket) = start_client(
        "两个单词一次输入（粘贴，或来自管道）：依次查询，依次打印。\n\
         常见原因：每次读一行都新建 BufReader，丢失了它多读的下一行。",
    );
    client.type_bytes(b"tcp\nudp\n");
    for (word, answer) in [("tcp", "回答一"), ("udp", "回答二")] {
        let from = assert_asked(&mut client, &socket, word);
        socket.send_to(answer.as_bytes(), from).unwrap();
    }
    client.wait_stdout("回答二\n>>");
    client.assert_stdout(">>回答一\n>>回答二\n>>");
}

#[test]
fn typed_bytes_that_are_not_utf8() {
    let (mut client, socket) = start_client(
        "用户的输入中有半个汉字（退格只删去了它的一部分）：无效的字节以 � 发送，程序继续。\n\
         常见原因：用了 read_line 或 lines，它们遇到无效的 UTF-8 返回错误。",
    );
    for (typed, word) in [(&b"\xffa\n"[..], "�a"), (b"a\xe4\xbdb\n", "a�b"), (b"\xe4\xbd\n", "�")]
    {
        client.type_bytes(typed);
        let from = assert_asked(&mut client, &socket, word);
        socket.send_to("回答".as_bytes(), from).unwrap();
        client.wait_stdout("回答\n>>");
    }
}

#[test]
fn answer_that_is_not_utf8() {
    let (mut client, socket) = start_client(
        "回答不是 UTF-8：无效的字节显示为 �，占一行；空的回答（0 字节）是一个空行。\n\
         常见原因：用了 String::from_utf8；把 0 字节当作没有回答。",
    );
    for (answer, printed) in [
        (&b"\xffabc\xe4"[..], "�abc�"),
        (b"\xe4\xbd\xa0\xff\xe5\xa5\xbd", "你�好"),
        (b"\xff", "�"),
        (b"", ""),
    ] {
        look_up(&mut client, &socket, "tcp", answer, printed);
    }
    client.assert_stdout(">>�abc�\n>>你�好\n>>�\n>>\n>>");
}

#[test]
fn answers_without_waiting() {
    let (mut client, socket) = start_client(
        "服务端立即回答：用户连续查 4 个单词，每个回答一到就打印。\n\
         常见原因：先睡 1 秒再接收；收到回答之后没有返回，仍然等满 1 秒。",
    );
    let start = Instant::now();
    for _ in 0..4 {
        look_up(&mut client, &socket, "tcp", "回答".as_bytes(), "回答");
    }
    if start.elapsed() > Duration::from_secs(3) {
        client.fail("4 个单词的回答都立即打印；实际：一共用了 3 秒以上");
    }
}

#[test]
fn longest_answer() {
    let (mut client, socket) = start_client(
        "回答是最长的数据报：完整地打印，占一行。\n\
         常见原因：接收缓冲区太小，数据报超出的部分丢失了。",
    );
    client.type_line("tcp");
    let from = assert_asked(&mut client, &socket, "tcp");
    let answer = format!("{:-<1$}!", "回答", MAX_DATAGRAM - "回答".len() + 1);
    socket.send_to(answer.as_bytes(), from).unwrap();
    client.wait_stdout("\n>>");
    let printed = client.stdout();
    if printed != format!(">>{answer}\n>>") {
        let (n, printed) = (answer.len(), short(printed.as_bytes()));
        client.fail(&format!("打印 {n} 字节的回答，占一行；实际的标准输出：{printed}"));
    }
}

#[test]
fn server_at_an_ipv6_address() {
    let Ok(socket) = UdpSocket::bind("[::1]:0") else { return }; // 这台机器没有 IPv6
    let mut server = Program::start(program(cargo_bin!()), &["server", "[::1]:0"]);
    server.explain(
        "服务端的参数是 IPv6 的 [::1]：绑定它，照样回答。\n\
         常见原因：没有绑定参数给出的地址。",
    );
    let addr = server.addr();
    if !addr.is_ipv6() {
        server.fail("服务端绑定参数给出的地址 [::1]，写出套接字的 local_addr()");
    }
    let asker = UdpSocket::bind("[::1]:0").unwrap();
    asker.set_read_timeout(Some(DEADLINE)).unwrap();
    asker.connect(addr).unwrap();
    server.assert_answer(&asker, "tcp", &explanation("tcp"));
    let mut client = start_client_of(
        socket.local_addr().unwrap(),
        "服务端的地址是 IPv6 的 [::1]：客户端照样查询。\n\
         常见原因：套接字绑定 0.0.0.0:0，是 IPv4 的，不能发送到 IPv6 的地址；应当与服务端的地址同族。",
    );
    look_up(&mut client, &socket, "tcp", "回答".as_bytes(), "回答");
}

#[test]
fn word_too_long_to_send() {
    let (mut client, socket) = start_client(
        "用户输入的单词正好是最长的数据报：照样查询。65508 字节的单词，一个数据报放不下，系统不发送：\n\
         在标准错误上写一行，说明哪个地址、系统的回答，不等待，再次显示 >>；下一个单词照样查询。\n\
         常见原因：发送出错时用了 ?，结束了客户端；忽略了发送的错误，白等 3 秒。",
    );
    look_up(&mut client, &socket, &"x".repeat(MAX_DATAGRAM), "回答".as_bytes(), "回答");
    let start = Instant::now();
    client.type_line(&"x".repeat(65_508));
    client.wait_stdout(">>");
    if start.elapsed() > Duration::from_secs(2) {
        client.fail("系统已经说明不能发送：不等待，再次显示 >>；实际：等了 2 秒以上");
    }
    assert_one_complaint(&mut client, socket.local_addr().unwrap());
    look_up(&mut client, &socket, "tcp", "回答".as_bytes(), "回答");
}

#[test]
fn no_answer() {
    let (mut client, socket) = start_client(
        "服务端收到单词，始终不回答：每隔 1 秒发送一次，一共 3 次；第 3 次之后再等 1 秒，\n\
         在标准错误上写一行，写明地址，再次显示 >>。\n\
         常见原因：接收没有时限；没有重发；放弃时结束了程序；错误中没有地址。",
    );
    let start = Instant::now();
    client.type_line("tcp");
    assert_asked(&mut client, &socket, "tcp");
    assert_asked(&mut client, &socket, "tcp");
    assert_elapsed(&mut client, start, 1.0, "第二次发送");
    assert_asked(&mut client, &socket, "tcp");
    assert_elapsed(&mut client, start, 2.0, "第三次发送");
    client.wait_stdout(">>");
    assert_elapsed(&mut client, start, 3.0, "放弃，再次显示 >>");
    assert_no_more(&mut client, &socket);
    assert_one_complaint(&mut client, socket.local_addr().unwrap());
    client.type_line("##");
    client.assert_exit(0);
    client.assert_stdout(">>>>");
}

#[test]
fn answer_to_an_earlier_try() {
    let (mut client, socket) = start_client(
        "第一次发送没有回答，客户端再发一次；这时第一次的回答才到，它就是回答，打印一次。\n\
         常见原因：没有重发；每次发送都用新的套接字，第一次的回答到达旧的端口，收不到了。",
    );
    client.type_line("tcp");
    let first = assert_asked(&mut client, &socket, "tcp");
    assert_asked(&mut client, &socket, "tcp");
    socket.send_to("回答".as_bytes(), first).unwrap();
    client.wait_stdout("回答\n>>");
    client.assert_stdout(">>回答\n>>");
}

#[test]
fn no_server() {
    let (closed, addr) = udp_socket();
    closed.connect(addr).unwrap(); // 占住端口，只收自己发的：系统拒绝别人发来的数据报，如同没有服务端
    let mut client = start_client_of(
        addr,
        "这个端口没有服务端，系统可能立即报告“连接被拒绝”：与没有回答一样，等满 1 秒再发。\n\
         第一个单词，服务端不久之后启动，第二次发送就有回答；第二个单词，始终没有服务端，发送 3 次之后，\n\
         在标准错误上写一行，再次显示 >>，不结束。\n\
         常见原因：接收出错时用了 ?，结束了客户端；把“连接被拒绝”当作已经等了 1 秒，立即再发或者放弃。",
    );
    let start = Instant::now();
    client.type_line("tcp");
    client.assert_quiet(PAUSE);
    drop(closed);
    let socket = loop {
        match UdpSocket::bind(addr) {
            Ok(socket) => break socket,
            // 别的测试正在启动程序，新的进程一时还占着这个套接字
            Err(_) if start.elapsed() < DEADLINE => client.assert_quiet(PAUSE / 30),
            Err(e) => panic!("测试无法绑定 {addr}：{e}"),
        }
    };
    let from = assert_asked(&mut client, &socket, "tcp");
    assert_elapsed(&mut client, start, 1.0, "第二次发送");
    socket.send_to("回答".as_bytes(), from).unwrap();
    client.wait_stdout("回答\n>>");
    socket.connect(addr).unwrap();
    let start = Instant::now();
    client.type_line("udp");
    client.wait_stdout(">>");
    if start.elapsed().as_secs_f32() < 1.9 {
        client.fail("没有服务端时，也要等满几次的 1 秒才放弃；实际：立即放弃");
    }
    assert_one_complaint(&mut client, addr);
    client.type_line("##");
    client.assert_exit(0);
    client.assert_stdout(">>回答\n>>>>");
}

#[test]
#[cfg(unix)]
fn paused_while_waiting() {
    let (mut client, socket) = start_client(
        "客户端等待回答时，暂停它再继续（如同按 Ctrl-Z，再输入 fg）：照样等满 1 秒再发，收到回答就打印。\n\
         常见原因：接收因此出错（Interrupted，Linux），程序把它当作已经等了 1 秒，或者当作没有回答。",
    );
    let start = Instant::now();
    client.type_line("tcp");
    assert_asked(&mut client, &socket, "tcp");
    let script = format!("kill -STOP {0}; kill -CONT {0}", client.id());
    socket.set_read_timeout(Some(PAUSE / 3)).unwrap();
    let mut early = None;
    for _ in 0..3 {
        std::process::Command::new("sh").args(["-c", &script]).status().unwrap();
        early = early.or(socket.recv_from(&mut [0; 100]).ok());
        client.assert_stdout(">>");
    }
    let from = match early {
        Some((_, from)) => from,
        None => assert_asked(&mut client, &socket, "tcp"),
    };
    assert_elapsed(&mut client, start, 1.0, "第二次发送");
    socket.send_to("回答".as_bytes(), from).unwrap();
    client.wait_stdout("回答\n>>");
    client.assert_stdout(">>回答\n>>");
}

#[test]
fn late_answer() {
    let (mut client, socket) = start_client(
        "第一个单词始终没有回答；用户查第二个，这时第一个的回答才到；用户查第三个，第二个的回答又来了一次。\n\
         UDP 的数据报会迟到，会重复：它们都不是当前单词的回答，不应显示。\n\
         常见原因：几个单词共用一个套接字（发送之前清空它也不够，回答可能在清空之后才到）。",
    );
    client.type_line("tcp");
    let mut old = vec![assert_asked(&mut client, &socket, "tcp")];
    let start = Instant::now();
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    while client.stdout() == ">>" && start.elapsed() < DEADLINE {
        if let Ok((_, from)) = socket.recv_from(&mut [0; 100]) {
            old.push(from); // 重发的来源
        }
    }
    client.wait_stdout(">>");
    for (word, late, answer) in [("udp", "回答一", "回答二"), ("dns", "回答二", "回答三")]
    {
        // 占住旧的端口：新的套接字不会碰巧用到它
        let _held: Vec<_> = old.iter().map(UdpSocket::bind).collect();
        client.type_line(word);
        let from = assert_asked(&mut client, &socket, word);
        for old in &old {
            socket.send_to(late.as_bytes(), *old).unwrap();
        }
        client.assert_quiet(PAUSE);
        socket.send_to(answer.as_bytes(), from).unwrap();
        client.wait_stdout(&format!("{answer}\n>>"));
        old = vec![from];
    }
    client.assert_stdout(">>>>回答二\n>>回答三\n>>");
}

#[test]
fn answer_from_a_stranger() {
    let (mut client, socket) = start_client(
        "客户端等待回答时，别的套接字（不是服务端）不停地向它的端口发数据报，直到客户端再次发送，服务端才回答。\n\
         常见原因：没有检查 recv_from 返回的来源，也没有 connect；把别人的数据报算作一次回答，\n\
         或者每收到一个就重新等 1 秒，一直等下去。",
    );
    let (stranger, _) = udp_socket();
    let start = Instant::now();
    client.type_line("tcp");
    let from = assert_asked(&mut client, &socket, "tcp");
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let from = loop {
        stranger.send_to("别人的数据报".as_bytes(), from).unwrap();
        if let Ok((_, from)) = socket.recv_from(&mut [0; 100]) {
            break from;
        }
        client.assert_stdout(">>");
        if start.elapsed() > Duration::from_secs(3) {
            client.fail("等 1 秒就再次发送，不管别人的数据报；实际：3 秒没有发送");
        }
    };
    assert_elapsed(&mut client, start, 1.0, "第二次发送");
    socket.send_to("回答".as_bytes(), from).unwrap();
    client.wait_stdout("回答\n>>");
    client.assert_stdout(">>回答\n>>");
}
