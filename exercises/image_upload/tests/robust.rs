//! 图片上传：真实的网络、磁盘和用户。

use std::fs::{self, File};
#[cfg(target_os = "linux")]
use std::io::{self, BufReader};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::panic;
use std::path::Path;
#[cfg(unix)]
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;
use testkit::{
    DEADLINE, Program, TcpListener, TcpStream, connect, listen, nobody_listens, program, reset,
    timed_out,
};

/// 足够一个错误的程序露出破绽；正确的程序在这段时间里没有事做。
const PAUSE: Duration = Duration::from_millis(300);

/// 两端的系统缓冲区装不下的字节数：能够发完，说明对方已经在接收。
const BIG: usize = 16 * 1024 * 1024;

/// 比 [`MAX_MEMORY`] 大一倍的图片。
#[cfg(target_os = "linux")]
const HUGE: usize = 4 * BIG;

/// 一段一段地读写的程序占用的内存，远小于这么多字节。
#[cfg(target_os = "linux")]
const MAX_MEMORY: usize = 2 * BIG;

/// 客户端沉默这么久，服务端就放弃它。
const SILENCE: Duration = Duration::from_secs(5);

/// 测试之前已有的图片。
const OLD: &[u8] = b"\xff\xd8 old picture \xff\xd9";

/// 在只有 `new.jpg`（内容为 [`OLD`]）的目录中启动服务端，返回目录、服务端和它的地址。
#[track_caller]
fn start_server(situation: &str) -> (TempDir, Program, SocketAddr) {
    let dir = TempDir::new().expect("无法创建临时目录");
    fs::write(dir.path().join("new.jpg"), OLD).expect("无法写入 new.jpg");
    let mut server =
        Program::start_in(dir.path(), program(cargo_bin!()), &["server", "127.0.0.1:0"]);
    server.explain(situation);
    let addr = server.addr();
    (dir, server, addr)
}

/// 向服务端发送 `bytes`。
#[track_caller]
fn send(server: &mut Program, client: &mut TcpStream, bytes: &[u8]) {
    if let Err(e) = client.write_all(bytes) {
        server.fail(&format!("服务端接收 {} 字节；实际：{e}", bytes.len()));
    }
}

/// 关闭写方向，检查服务端回答 `n`，然后离开。
#[track_caller]
fn assert_answer(server: &mut Program, mut client: TcpStream, n: usize) {
    let _ = client.shutdown(Shutdown::Write); // 服务端已经断开：由之后的接收报告
    server.assert_receives(&mut client, &format!("{n}\n"));
}

/// 服务端能为新的客户端服务：上传 `picture`，检查回答和保存的图片。
#[track_caller]
fn assert_upload(server: &mut Program, addr: SocketAddr, dir: &TempDir, picture: &[u8]) {
    let mut client = connect(addr);
    send(server, &mut client, picture);
    assert_answer(server, client, picture.len());
    assert_saved(server, dir, picture);
}

/// 检查工作目录中的 `new.jpg` 正是 `picture`。
#[track_caller]
fn assert_saved(server: &mut Program, dir: &TempDir, picture: &[u8]) {
    let n = picture.len();
    let what = if picture == OLD { "仍是旧图片" } else { "是上传的图片" };
    match fs::read(dir.path().join("new.jpg")) {
        Err(e) => server.fail(&format!("new.jpg {what}（{n} 字节）；实际：{e}")),
        Ok(saved) if saved == picture => {}
        Ok(saved) => {
            let m = saved.len();
            let same = saved.iter().zip(picture).take_while(|(a, b)| a == b).count();
            let same = if same > 0 { format!("，前 {same} 字节相同") } else { String::new() };
            server.fail(&format!("new.jpg {what}（{n} 字节）；实际有 {m} 字节{same}"))
        }
    }
}

/// 等到 `check` 不再说出问题为止；它可能比连接的关闭稍晚。
#[track_caller]
fn wait_until(server: &mut Program, check: impl Fn() -> Result<(), String>) {
    let end = Instant::now() + DEADLINE;
    while let Err(problem) = check() {
        if Instant::now() > end {
            server.fail(&problem);
        }
        server.wait_output(Duration::from_millis(10));
    }
}

/// 检查程序占用过的内存不到 [`MAX_MEMORY`]。
#[cfg(target_os = "linux")]
#[track_caller]
fn assert_little_memory(program: &mut Program) {
    let status = fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    let limit = MAX_MEMORY / 1024;
    match peak {
        Some(peak) if peak < limit => {}
        Some(peak) => {
            program.fail(&format!("占用的内存一直不到 {limit} KiB；实际最多时有 {peak} KiB"))
        }
        None => program.fail("程序继续运行，看得到它占用的内存"),
    }
}

/// 启动把 `file` 上传到测试的客户端，返回它、监听套接字和地址；`situation` 说明测试做什么。
fn start_client(file: &Path, situation: &str) -> (Program, TcpListener, String) {
    let (listener, addr) = listen();
    let addr = addr.to_string();
    let args = ["client", file.to_str().expect("路径是 UTF-8"), &addr];
    let mut client = Program::start(program(cargo_bin!()), &args);
    client.explain(situation);
    (client, listener, addr)
}

/// 读客户端发来的字节，直到它关闭写方向；检查共有 `n` 字节。
#[track_caller]
fn assert_sends(client: &mut Program, conn: &mut TcpStream, n: usize) {
    let mut received = Vec::new();
    let end = match conn.read_to_end(&mut received) {
        Ok(_) if received.len() == n => return,
        Ok(_) => "然后关闭写方向".to_string(),
        Err(e) if timed_out(&e) => "然后没有关闭写方向，测试一直在等".to_string(),
        Err(e) => format!("然后：{e}"),
    };
    let m = received.len();
    client.fail(&format!("客户端发来 {n} 字节，然后关闭写方向；实际发来 {m} 字节，{end}"));
}

#[test]
fn old_picture_stays_until_the_new_one_is_complete() {
    let (dir, mut server, addr) = start_server(
        "客户端发出 16 MiB，还没有结束：这时 new.jpg 仍是旧图片，一个字节也不变；结束之后才是新图片。\n\
         常见原因：直接写入 new.jpg（应写入旁边的另一个文件，收完再用 fs::rename 改名）；没有收完就当作收完。",
    );
    let picture = vec![0x5A; BIG];
    let mut client = connect(addr);
    send(&mut server, &mut client, &picture);
    assert_saved(&mut server, &dir, OLD);
    assert_answer(&mut server, client, BIG);
    assert_saved(&mut server, &dir, &picture);

    fs::remove_file(dir.path().join("new.jpg")).unwrap();
    let mut client = connect(addr);
    send(&mut server, &mut client, &picture);
    if dir.path().join("new.jpg").exists() {
        server.fail("原来没有 new.jpg，图片还没有收完，这时也没有 new.jpg");
    }
    assert_answer(&mut server, client, BIG);
    assert_saved(&mut server, &dir, &picture);
}

#[test]
fn new_picture_takes_the_name_in_one_step() {
    let (dir, mut server, addr) = start_server(
        "旧图片还有一个名字 link.jpg（硬链接）。改名换上新图片，link.jpg 仍是旧内容；\
         link.jpg 变了，说明 new.jpg 是原地改写的：写到一半出错或断电，就只剩半张图片。\n\
         然后上传几百次，其间不停地看：new.jpg 一直在。\n\
         常见原因：收完之后用 fs::write 或 fs::copy 写入 new.jpg；先删除 new.jpg，再改名。应当只用 fs::rename。",
    );
    let (picture, link) = (dir.path().join("new.jpg"), dir.path().join("link.jpg"));
    fs::hard_link(&picture, &link).expect("无法创建硬链接");
    assert_upload(&mut server, addr, &dir, b"new picture");
    if fs::read(&link).unwrap() != OLD {
        server.fail("link.jpg 仍是旧图片的内容");
    }
    // 在 Windows 上，正在看的文件可能不让改名
    if cfg!(unix) {
        let missing = thread::scope(|scope| {
            let uploads = scope.spawn(|| {
                let start = Instant::now();
                for _ in 0..300 {
                    if start.elapsed() > DEADLINE / 2 {
                        break; // 机器太忙
                    }
                    let mut client = connect(addr);
                    let _ = client.write_all(b"next picture");
                    let _ = client.shutdown(Shutdown::Write);
                    let _ = client.read(&mut [0; 100]); // 回答得对不对，由别的测试检查
                }
            });
            let mut missing = false;
            while !uploads.is_finished() {
                missing |= !picture.exists();
            }
            missing
        });
        if missing {
            server.fail("任何时刻都有 new.jpg；实际有片刻不在");
        }
    }
}

#[test]
fn empty_upload_keeps_the_old_picture() {
    let (dir, mut server, addr) = start_server(
        "客户端一个字节也不发就关闭写方向：回答 0，旧图片不变。\n\
         常见原因：把空文件保存成了 new.jpg；没有回答；0 字节也打印了“收到……”。",
    );
    assert_answer(&mut server, connect(addr), 0);
    assert_saved(&mut server, &dir, OLD);
    assert_upload(&mut server, addr, &dir, b"next");
    server.wait_stdout("收到 4 字节，已保存为 new.jpg\n");
    if server.stdout().contains("收到 0 字节") {
        server.fail("没有保存图片，就不打印“收到 0 字节，已保存为 new.jpg”");
    }
}

#[test]
fn picture_that_cannot_be_saved() {
    let (dir, mut server, addr) = start_server(
        "new.jpg 是一个目录，图片无法保存：服务端不回答，关闭连接，在标准错误上写一行，继续服务。\n\
         常见原因：保存之前就回答了；忽略了改名的错误；在循环中用 ? 或 unwrap，一个错误结束了整个程序。",
    );
    let target = dir.path().join("new.jpg");
    fs::remove_file(&target).unwrap();
    fs::create_dir(&target).unwrap();
    for lines in 2..5 {
        let mut client = connect(addr);
        send(&mut server, &mut client, &[7; 1000]);
        let _ = client.shutdown(Shutdown::Write);
        server.assert_closes(&mut client);
        server.wait_stderr_lines(lines); // 服务端因此结束，原因这时也已写出
    }
    fs::remove_dir(&target).unwrap();
    assert_upload(&mut server, addr, &dir, b"new picture");
}

#[cfg(unix)]
#[test]
fn full_disk() {
    const LIMIT: usize = 128 * 512; // ulimit -f 的单位是 512 字节
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("new.jpg"), OLD).unwrap();
    let (mut server, addr) = testkit::fire::start_limited(
        dir.path(),
        r#"trap "" XFSZ; ulimit -f 128"#, // 忽略信号之后，文件超过限制时 write 返回错误，如同磁盘已满
        &program(cargo_bin!()),
        &["server", "127.0.0.1:0"],
        "磁盘写满（文件最大 65536 字节）：不回答，旧图片不变，在标准错误上写一行，继续服务。\n\
         常见原因：忽略了写文件的错误；BufWriter 没有 flush；直接写入 new.jpg；一个错误结束了整个程序。",
    );
    for (size, lines) in [(LIMIT + 1, 2), (1024 * 1024, 3)] {
        let mut client = connect(addr);
        let _ = client.write_all(&vec![8; size]); // 服务端可以不等发完就关闭
        let _ = client.shutdown(Shutdown::Write);
        server.assert_closes(&mut client);
        server.wait_stderr_lines(lines);
        assert_saved(&mut server, &dir, OLD);
    }
    assert_upload(&mut server, addr, &dir, &[9; LIMIT]);
}

#[test]
fn five_seconds_of_silence() {
    // 三个服务端，各在自己的线程上：经过各画各的
    let start = |case: fn()| {
        let thread = thread::Builder::new().name("five_seconds_of_silence".to_string());
        thread.spawn(case).expect("无法启动线程")
    };
    let half = || {
        silent_client(
            &[1; 1000],
            "客户端发了半张图片，然后沉默 5 秒：服务端放弃它，旧图片不变，继续服务。\n\
             常见原因：没有设置读超时；把超时当作图片的结尾，保存了半张图片；一个错误结束了整个程序。",
        )
    };
    let idle = || {
        silent_client(
            b"",
            "客户端连接之后 5 秒什么也不发：服务端放弃它，旧图片不变，继续服务。\n\
             常见原因：没有设置读超时；把超时当作空的图片。",
        )
    };
    let cases = [start(slow_client), start(half), start(idle)];
    for result in cases.map(|case| case.join()) {
        result.unwrap_or_else(|failure| panic::resume_unwind(failure)); // 已经打印过
    }
}

/// 客户端停顿，都不到 5 秒：服务端等它发完。
fn slow_client() {
    let (dir, mut server, addr) = start_server(
        "客户端发一个字节，停 4.5 秒，再发一个，停 1 秒，再发一个：没有沉默到 5 秒，应当保存。\n\
         常见原因：超时比 5 秒短；5 秒从连接时算起，而不是从上一次收到数据算起。",
    );
    'again: for _ in 0..2 {
        let mut client = connect(addr);
        for (byte, pause) in [(b"a", 4500), (b"b", 1000)] {
            let start = Instant::now();
            send(&mut server, &mut client, byte);
            client.set_read_timeout(Some(Duration::from_millis(pause))).unwrap();
            let result = client.read(&mut [0; 100]);
            if start.elapsed() >= SILENCE {
                continue 'again; // 机器太忙，是测试停了太久
            }
            if !matches!(&result, Err(e) if timed_out(e)) {
                server.fail("服务端等着，不回答，也不结束连接；实际没有等");
            }
        }
        client.set_read_timeout(Some(DEADLINE)).unwrap();
        send(&mut server, &mut client, b"c");
        assert_answer(&mut server, client, 3);
        assert_saved(&mut server, &dir, b"abc");
        return;
    }
}

/// 客户端发出 `bytes` 之后沉默：服务端放弃它。
fn silent_client(bytes: &[u8], situation: &str) {
    let (dir, mut server, addr) = start_server(situation);
    let mut client = connect(addr);
    send(&mut server, &mut client, bytes);
    client.set_read_timeout(Some(SILENCE + Duration::from_secs(3))).unwrap(); // 宽限 3 秒
    server.assert_closes(&mut client);
    server.wait_stderr_lines(2);
    assert_saved(&mut server, &dir, OLD);
    assert_upload(&mut server, addr, &dir, b"new picture");
}

#[test]
fn clients_that_vanish() {
    let (dir, mut server, addr) = start_server(
        "客户端发到一半就重置连接：服务端放弃它，旧图片不变。连接后立即离开、发完不等回答就离开或重置、\
         收到回答不读就重置：服务端继续服务。\n\
         常见原因：在循环中用 ? 或 unwrap，一个连接的错误结束了整个程序；\
         读到一半出错、回答时对方已经离开，对这样的错误用了 unwrap 或 panic!；把重置当作图片的结尾。",
    );
    let _ = &dir; // 在 Windows 上用不到
    // 同时服务几个客户端的程序，可能还没有保存完离开者的图片：只看回答
    let still_serves = |server: &mut Program| {
        let mut client = connect(addr);
        send(server, &mut client, &[3; 1000]);
        assert_answer(server, client, 1000);
    };
    // std 不能随时重置连接，由 perl 来做；没有 perl，就不检查这几种
    #[cfg(unix)]
    if Command::new("perl").args(["-e", "use Socket"]).output().is_ok_and(|o| o.status.success()) {
        for lines in 2..5 {
            let mut client = connect(addr);
            send(&mut server, &mut client, &[0; 1000]);
            testkit::fire::reset_now(client);
            server.wait_stderr_lines(lines);
            assert_saved(&mut server, &dir, OLD);
        }
        for _ in 0..3 {
            // 服务端暂停，图片、关闭写方向、重置都到了，它才继续：正常收完，但是回答不了
            signal(&server, "STOP");
            let mut client = connect(addr);
            send(&mut server, &mut client, &[1; 1000]);
            let _ = client.shutdown(Shutdown::Write);
            testkit::fire::reset_now(client);
            signal(&server, "CONT");
            still_serves(&mut server);
        }
    }
    drop(connect(addr));
    for _ in 0..3 {
        let mut client = connect(addr);
        send(&mut server, &mut client, &[1; 1000]);
        drop(client);
        let mut client = connect(addr);
        send(&mut server, &mut client, &[2; 1000]);
        let _ = client.shutdown(Shutdown::Write);
        reset(client);
    }
    still_serves(&mut server);
    server.assert_not_panicked();
}

/// 向 `program` 发送信号 `name`。
#[cfg(unix)]
fn signal(program: &Program, name: &str) {
    let script = format!("kill -{name} {}", program.id());
    let status = Command::new("sh").args(["-c", &script]).status();
    assert!(status.expect("无法运行 sh").success(), "kill 出错");
}

#[cfg(target_os = "linux")]
#[test]
fn server_streams_the_picture() {
    let (_dir, mut server, addr) = start_server(
        "客户端上传 64 MiB：服务端一段一段地收和写，占用的内存不到 32 MiB。\n\
         常见原因：用 read_to_end 把整张图片读进内存，再写入文件。",
    );
    let mut client = connect(addr);
    for piece in vec![0; HUGE].chunks(BIG) {
        send(&mut server, &mut client, piece);
    }
    assert_answer(&mut server, client, HUGE);
    assert_little_memory(&mut server);
}

#[test]
fn no_part_is_left() {
    let (dir, mut server, addr) = start_server(
        "一次成功的上传、一次空的上传、一次不能保存的上传（new.jpg 是目录）：\
         每次之后，工作目录中只有 new.jpg。\n\
         常见原因：只在成功或者只在出错的时候删除临时文件；删除之前就用 ? 返回了。",
    );
    let only_the_picture = |server: &mut Program, when: &str| {
        wait_until(server, || {
            let files = fs::read_dir(&dir).expect("无法读取目录");
            let names = files.map(|file| file.expect("无法读取目录").file_name());
            let left: Vec<_> = names.filter(|name| name != "new.jpg").collect();
            match left.is_empty() {
                true => Ok(()),
                false => {
                    Err(format!("{when}的上传之后，工作目录中只有 new.jpg；实际还有 {left:?}"))
                }
            }
        });
    };
    assert_upload(&mut server, addr, &dir, b"new picture");
    only_the_picture(&mut server, "成功");
    assert_answer(&mut server, connect(addr), 0);
    only_the_picture(&mut server, "空");
    let _ = fs::remove_file(dir.path().join("new.jpg"));
    fs::create_dir(dir.path().join("new.jpg")).unwrap();
    let mut client = connect(addr);
    send(&mut server, &mut client, &[7; 1000]);
    let _ = client.shutdown(Shutdown::Write);
    let _ = client.read_to_end(&mut Vec::new()); // 回答了什么，由别的测试检查
    only_the_picture(&mut server, "不能保存");
}

#[test]
fn twenty_clients_at_once() {
    let (dir, mut server, addr) = start_server(
        "20 个客户端同时连接，各发半张图片，再各发后半张：每个都得到自己的字节数，new.jpg 是其中完整的一张。\n\
         常见原因：几个线程同时写同一个文件。一个接一个地服务就可以；同时服务，则各用各的临时文件。",
    );
    let mut pictures: Vec<Vec<u8>> = (0..20u8).map(|i| vec![i; 4000 + usize::from(i)]).collect();
    pictures[0].resize(BIG, 0); // 这一张发完一半，服务端肯定已经开始保存
    let mut clients: Vec<TcpStream> = pictures.iter().map(|_| connect(addr)).collect();
    for (client, picture) in clients.iter_mut().zip(&pictures) {
        send(&mut server, client, &picture[..picture.len() / 2]);
    }
    for (client, picture) in clients.iter_mut().zip(&pictures).rev() {
        send(&mut server, client, &picture[picture.len() / 2..]);
        let _ = client.shutdown(Shutdown::Write);
    }
    for (mut client, picture) in clients.into_iter().zip(&pictures) {
        server.assert_receives(&mut client, &format!("{}\n", picture.len()));
    }
    let saved = fs::read(dir.path().join("new.jpg")).unwrap_or_default();
    if !pictures.contains(&saved) {
        server.fail("new.jpg 是 20 张图片中完整的一张；实际是几张混在一起，或者不是其中的一张");
    }
}

#[cfg(unix)]
#[test]
fn no_descriptor_left() {
    let dir = TempDir::new().unwrap();
    // 标准输入、输出、错误和监听的套接字正好用完 4 个：一个接一个服务的程序也不能再接受连接
    testkit::fire::exhaust_descriptors(
        dir.path(),
        4,
        &program(cargo_bin!()),
        &["server", "127.0.0.1:0"],
    );
}

#[cfg(unix)]
#[test]
fn output_that_cannot_be_written() {
    let dir = TempDir::new().unwrap();
    // 如同 2>&1 | head -3，但每一行立即转出：服务端的两个输出有人读三行，然后离开，留下文件 gone
    let (mut server, addr) = testkit::fire::start_limited(
        dir.path(),
        r#"mkfifo out
           for i in 1 2 3; do read -r line; echo "$line" >&2; done <out && : >gone &
           exec >out 2>&1"#,
        &program(cargo_bin!()),
        &["server", "127.0.0.1:0"],
        "服务端的输出，三行之后就没有人读（2>&1 | head -3）：图片照样保存，照样回答，一个错误也不结束服务端。\n\
         常见原因：println! 和 eprintln! 写不出去就使程序崩溃；应当用 writeln!，忽略它的错误。",
    );
    for picture in [b"first picture", b"other picture"] {
        assert_upload(&mut server, addr, &dir, picture);
    }
    wait_until(&mut server, || match dir.path().join("gone").exists() {
        true => Ok(()),
        false => Err("启动的一行、两行“收到……”都已写出".to_string()),
    });
    assert_upload(&mut server, addr, &dir, b"third picture");
    let target = dir.path().join("new.jpg");
    fs::remove_file(&target).unwrap();
    fs::create_dir(&target).unwrap();
    let mut client = connect(addr);
    send(&mut server, &mut client, &[7; 1000]);
    let _ = client.shutdown(Shutdown::Write);
    let _ = client.read_to_end(&mut Vec::new()); // 回答了什么，由别的测试检查
    fs::remove_dir(&target).unwrap();
    assert_upload(&mut server, addr, &dir, b"last picture");
}

#[test]
fn server_that_cannot_listen() {
    let (_listener, addr) = listen();
    let mut server = Program::start(program(cargo_bin!()), &["server", &addr.to_string()]);
    server.explain("端口已被占用：用一行错误说明做什么失败、哪个地址、系统的回答，退出状态 1。\n常见原因：只用了 ?，错误中没有地址；应加上 map_err，见 tcp_server 和 tcp_client。");
    server.assert_error(&["错误：", &addr.to_string()]);
}

#[test]
fn answer_in_pieces() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("photo.jpg");
    fs::write(&file, [1; 1234]).unwrap();
    let (mut client, listener, _) = start_client(
        &file,
        "服务端的回答分三段到达：12、34、\\n，不关闭连接。读到 \\n 才完整，也就完整了。\n\
         常见原因：把一次 read 当作整个回答；一直读到服务端关闭连接。",
    );
    let mut conn = client.accept(&listener);
    assert_sends(&mut client, &mut conn, 1234);
    for piece in ["12", "34"] {
        let _ = conn.write_all(piece.as_bytes()); // 客户端已经离开：由之后的检查报告
        client.assert_quiet(PAUSE);
    }
    let _ = conn.write_all(b"\n");
    client.assert_exit(0);
    client.assert_stdout("上传成功：1234 字节\n");
}

#[test]
fn wrong_answers() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("photo.jpg");
    fs::write(&file, [1; 1234]).unwrap();
    let wrong_numbers = ["1233\n", "1235\n", "0\n", "123\n", "12345\n"];
    let wrong_forms = ["+1234\n", "01234\n", " 1234\n", "1234\r\n"];
    let not_numbers = ["\n", "收到\n", "1234"];
    let not_utf8 = [&b"\xff\xfe\n"[..], b"12\xe434\n", b"1234\xff\n"];
    let texts = wrong_numbers.iter().chain(&wrong_forms).chain(&not_numbers);
    for answer in texts.map(|text| text.as_bytes()).chain(not_utf8) {
        let shown = String::from_utf8_lossy(answer).into_owned();
        let (mut client, listener, addr) = start_client(
            &file,
            &format!(
                "客户端上传 1234 字节，服务端的回答是 {shown:?}，不是 \"1234\\n\"：不算成功。\n\
                 用一行错误说明服务端的地址，退出状态 1，不打印“上传成功”。\n\
                 常见原因：没有比较字节数；trim、parse 之后再比较；没有检查 \\n；对回答用了 unwrap；错误中没有地址。"
            ),
        );
        let mut conn = client.accept(&listener);
        assert_sends(&mut client, &mut conn, 1234);
        let _ = conn.write_all(answer); // 客户端可以不读完
        drop(conn);
        client.assert_error(&["错误：", &addr]);
        client.assert_stdout("");
    }
}

#[test]
fn answer_without_end() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("photo.jpg");
    fs::write(&file, [1; 1234]).unwrap();
    let (mut client, listener, addr) = start_client(
        &file,
        "服务端回答 1 MiB 的数字 9，没有 \\n，也不关闭连接：客户端不再读下去，\
         用一行错误说明服务端的地址，退出状态 1。\n\
         常见原因：一直读到 \\n 或连接关闭，没有限制长度（Read::take）。",
    );
    let mut conn = client.accept(&listener);
    assert_sends(&mut client, &mut conn, 1234);
    let _ = conn.write_all(&[b'9'; 1 << 20]); // 客户端可以不读完
    client.assert_error(&["错误：", &addr]);
    client.assert_stdout("");
}

#[test]
fn client_waits_for_its_turn() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("photo.jpg");
    fs::write(&file, [1; 1234]).unwrap();
    let (mut client, listener, _) = start_client(
        &file,
        "服务端过了 6 秒才回答，因为前面的客户端慢：客户端等着，然后照常报告成功。\n\
         常见原因：给读回答设了时限。",
    );
    let mut conn = client.accept(&listener);
    assert_sends(&mut client, &mut conn, 1234);
    client.assert_quiet(Duration::from_secs(6));
    let _ = conn.write_all(b"1234\n");
    drop(conn);
    client.assert_exit(0);
    client.assert_stdout("上传成功：1234 字节\n");
}

#[test]
fn server_that_goes_away() {
    let dir = TempDir::new().unwrap();
    let small = dir.path().join("small.jpg");
    fs::write(&small, [1; 1234]).unwrap();
    let big = dir.path().join("big.jpg");
    File::create(&big).unwrap().set_len(2 * BIG as u64).unwrap();

    let (mut client, listener, addr) = start_client(
        &small,
        "服务端收完图片，不回答就关闭连接：用一行错误说明服务端的地址，退出状态 1。\n\
         常见原因：没有读回答就报告成功；对读到的 0 字节用了 unwrap；错误中没有地址。",
    );
    let mut conn = client.accept(&listener);
    assert_sends(&mut client, &mut conn, 1234);
    drop(conn);
    client.assert_error(&["错误：", &addr]);
    client.assert_stdout("");

    for file in [&small, &big] {
        let (mut client, listener, addr) = start_client(
            file,
            "服务端只收到一部分，就重置连接：用一行错误说明服务端的地址，退出状态 1。\n\
             常见原因：对 write_all、io::copy、shutdown 或 read 的结果用了 unwrap；忽略了发送的错误；\
             只用了 ?，错误中没有地址。",
        );
        let conn = client.accept(&listener);
        reset(conn);
        client.assert_error(&["错误：", &addr]);
        client.assert_stdout("");
    }
}

#[test]
fn file_that_cannot_be_uploaded() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("empty.jpg"), b"").unwrap();
    fs::create_dir(dir.path().join("folder.jpg")).unwrap();
    for (name, what) in
        [("missing.jpg", "不存在"), ("empty.jpg", "是空的"), ("folder.jpg", "是目录")]
    {
        let (mut client, listener, addr) = start_client(
            &dir.path().join(name),
            &format!(
                "要上传的 {name} {what}：用一行错误说明是哪个文件，退出状态 1，什么也不发给服务端。\n\
                 常见原因：没有检查，或者上传之后才检查，得到的是别的错误；错误信息中没有文件名；\
                 对 File::open 的结果用了 unwrap。"
            ),
        );
        // 客户端连接了，就读到它关闭写方向，不回答
        let server = thread::spawn(move || {
            let mut received = Vec::new();
            let (mut conn, _) = listener.accept().expect("无法接受连接");
            let _ = conn.read_to_end(&mut received); // 读到重置：已经收到的仍在 received 中
            received
        });
        client.assert_error(&["错误：", name]);
        client.assert_stdout("");
        let _ = std::net::TcpStream::connect(addr); // 客户端没有连接：由测试连接，线程才会结束
        let n = server.join().expect("扮演服务端的线程崩溃").len();
        if n > 0 {
            client.fail(&format!("什么也不发给服务端；实际发来 {n} 字节"));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn client_streams_the_file() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("huge.jpg");
    File::create(&file).unwrap().set_len(HUGE as u64).unwrap(); // 稀疏文件，不占磁盘
    let (mut client, listener, _) = start_client(
        &file,
        "上传 64 MiB 的文件：客户端一段一段地读和发，占用的内存不到 32 MiB。\n\
         常见原因：用 fs::read 或 read_to_end 把整个文件读进内存。",
    );
    let mut conn = client.accept(&listener);
    let mut data = BufReader::with_capacity(1 << 20, &mut conn);
    let received = io::copy(&mut data, &mut io::sink());
    if !matches!(received, Ok(n) if n == HUGE as u64) {
        client.fail(&format!("客户端发来 {HUGE} 字节，然后关闭写方向；实际：{received:?}"));
    }
    assert_little_memory(&mut client);
    let _ = conn.write_all(format!("{HUGE}\n").as_bytes());
    drop(conn);
    client.assert_exit(0);
    client.assert_stdout(&format!("上传成功：{HUGE} 字节\n"));
}

#[test]
fn no_server() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("photo.jpg");
    fs::write(&file, b"picture").unwrap();
    let (_used, addr) = nobody_listens();
    let args = ["client", file.to_str().expect("路径是 UTF-8"), &addr.to_string()];
    let mut client = Program::start(program(cargo_bin!()), &args);
    client.explain("没有服务端：用一行错误说明做什么失败、哪个地址、系统的回答，退出状态 1。\n常见原因：只用了 ?，错误中没有地址；应加上 map_err，见 tcp_server 和 tcp_client。");
    client.assert_error(&["错误：", &addr.to_string()]);
}
