//! 图片上传：课程要求的功能。先让这里的测试全部通过，再看 `robust.rs`。

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::path::Path;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;
use testkit::{Program, TcpStream, connect, listen, program, timed_out};

/// 足够一个错误的程序露出破绽；正确的程序在这段时间里没有事做。
const PAUSE: Duration = Duration::from_millis(300);

/// 练习自带的图片。
const PHOTO: &[u8] = include_bytes!("../photo.jpg");

/// 在一个空目录中启动服务端，返回目录、服务端和它的地址；`situation` 说明测试做什么。
#[track_caller]
fn start_server(situation: &str) -> (TempDir, Program, SocketAddr) {
    let dir = TempDir::new().expect("无法创建临时目录");
    let mut server =
        Program::start_in(dir.path(), program(cargo_bin!()), &["server", "127.0.0.1:0"]);
    server.explain(situation);
    let addr = server.addr();
    (dir, server, addr)
}

/// 启动把 `file` 上传到 `addr` 的客户端；`situation` 说明测试做什么。
fn start_client(file: &Path, addr: SocketAddr, situation: &str) -> Program {
    let args = ["client", file.to_str().expect("路径是 UTF-8"), &addr.to_string()];
    let mut client = Program::start(program(cargo_bin!()), &args);
    client.explain(situation);
    client
}

/// 由测试上传 `picture`；检查回答、打印的一行和保存的图片。返回还没有关闭的连接。
#[track_caller]
fn assert_upload(
    server: &mut Program,
    addr: SocketAddr,
    dir: &TempDir,
    picture: &[u8],
) -> TcpStream {
    let mut client = connect(addr);
    if let Err(e) = client.write_all(picture) {
        server.fail(&format!("服务端接收 {} 字节；实际：{e}", picture.len()));
    }
    let _ = client.shutdown(Shutdown::Write); // 服务端已经断开：由之后的接收报告
    server.assert_receives(&mut client, &format!("{}\n", picture.len()));
    assert_saved(server, dir, picture);
    server.wait_stdout(&format!("收到 {} 字节，已保存为 new.jpg\n", picture.len()));
    client
}

/// 检查工作目录中的 `new.jpg` 正是 `picture`。
#[track_caller]
fn assert_saved(server: &mut Program, dir: &TempDir, picture: &[u8]) {
    let n = picture.len();
    match fs::read(dir.path().join("new.jpg")) {
        Err(e) => server.fail(&format!("工作目录中有 {n} 字节的 new.jpg；实际：{e}")),
        Ok(saved) if saved == picture => {}
        Ok(saved) => {
            let same = saved.iter().zip(picture).take_while(|(a, b)| a == b).count();
            let m = saved.len();
            server
                .fail(&format!("new.jpg 正是上传的 {n} 字节；实际有 {m} 字节，前 {same} 字节相同"))
        }
    }
}

/// 读客户端发来的全部字节，直到它关闭写方向；检查它们正是 `picture`。
#[track_caller]
fn assert_sends(client: &mut Program, conn: &mut TcpStream, picture: &[u8]) {
    let n = picture.len();
    let mut received = Vec::new();
    // 没有关闭写方向的客户端在这里失败，写明原因，不等 whole_upload 先失败（服务端 5 秒之后放弃它）
    conn.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
    let end = match conn.read_to_end(&mut received) {
        Ok(_) => "然后关闭写方向".to_string(),
        Err(e) if timed_out(&e) => "然后没有关闭写方向，测试一直在等".to_string(),
        Err(e) => format!("然后：{e}"),
    };
    let same = received.iter().zip(picture).take_while(|(a, b)| a == b).count();
    if received != picture || end != "然后关闭写方向" {
        let m = received.len();
        client.fail(&format!(
            "客户端发来文件的 {n} 字节，然后关闭写方向；实际发来 {m} 字节（前 {same} 字节与文件相同），{end}"
        ));
    }
}

#[test]
fn server_saves_the_picture() {
    let (dir, mut server, addr) = start_server(
        "一个客户端上传 photo.jpg，关闭写方向，等待回答：字节数和 \\n。\n\
         常见原因：只 read 了一次，或者读到的比缓冲区小就当作收完（read 返回 0 才是）；没有回答，或者回答后面没有 \\n；new.jpg 不在工作目录。",
    );
    let mut client = assert_upload(&mut server, addr, &dir, PHOTO);
    client.set_read_timeout(Some(PAUSE)).unwrap();
    if let Ok(n @ 1..) = client.read(&mut [0; 100]) {
        server.fail(&format!("回答只有一行，字节数和 \\n；实际后面还有 {n} 字节"));
    }
}

#[test]
fn server_saves_bytes_not_text() {
    let (dir, mut server, addr) = start_server(
        "图片含有每一种字节，包括 \\0、\\r\\n、不是 UTF-8 的字节：保存的与上传的完全相同。\n\
         常见原因：把图片当作文字读（read_to_string、from_utf8_lossy、lines）；遇到某个字节就停止。",
    );
    let picture: Vec<u8> = (0..=255).chain(*b"\r\n\n\r\x1a\0##\n#\n").chain(0..=255).collect();
    assert_upload(&mut server, addr, &dir, &picture);
    assert_upload(&mut server, addr, &dir, b"\n\r\n \0");
}

#[test]
fn server_reads_to_the_end() {
    let (dir, mut server, addr) = start_server(
        "图片分几段到达，中间有停顿，客户端还没有关闭写方向：服务端要继续等待，不回答。\n\
         常见原因：把一次 read 当作整张图片；读到的比缓冲区小就当作结束；收到 \\n 或 \\0 就当作结束；\
         用一小段时间没有数据来判断结束。",
    );
    let pieces = [&[1; 1000][..], &[2; 100_000], &[3; 1], &[4; 256]];
    let one_by_one: Vec<u8> = (0..=255).collect();
    for (pieces, pause) in
        [(pieces.to_vec(), PAUSE), (one_by_one.chunks(1).collect(), Duration::ZERO)]
    {
        let mut client = connect(addr);
        client.set_nodelay(true).unwrap(); // 每一段立即发出
        for piece in &pieces {
            if let Err(e) = client.write_all(piece) {
                server.fail(&format!("服务端接收 {} 字节；实际：{e}", piece.len()));
            }
            if !pause.is_zero() {
                server.assert_silent(&mut client, pause);
            }
        }
        let picture = pieces.concat();
        let _ = client.shutdown(Shutdown::Write);
        server.assert_receives(&mut client, &format!("{}\n", picture.len()));
        assert_saved(&mut server, &dir, &picture);
    }
}

#[test]
fn server_serves_the_next_client() {
    let (dir, mut server, addr) = start_server(
        "许多客户端先后上传不同大小的图片，有的正好是缓冲区的整数倍，有的多一个字节，有的比前一张小。\
         new.jpg 总是最后一张，没有别的内容。\n\
         常见原因：服务完一个客户端就结束；读到的比缓冲区小就当作收完；丢失了最后不满缓冲区的一段；\
         new.jpg 已经存在时出错；写在旧内容后面，或没有截断旧内容。",
    );
    for size in [200_000, 13, 1, 255, 256, 257, 1023, 1024, 1025, 8192, 65_536, 1_048_577, 4096, 2]
    {
        let picture: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        assert_upload(&mut server, addr, &dir, &picture);
    }
    assert_upload(&mut server, addr, &dir, PHOTO);
    server.assert_running();
}

#[test]
fn client_sends_exactly_the_file() {
    let dir = TempDir::new().unwrap();
    let picture: Vec<u8> = (0..=255).chain(*b"\r\n\n\r\x1a\0##\n").chain(0..=255).collect();
    for (name, picture) in [("photo.jpg", PHOTO), ("我的 图片.jpg", &picture)] {
        let file = dir.path().join(name);
        fs::write(&file, picture).unwrap();
        let (listener, addr) = listen();
        let mut client = start_client(
            &file,
            addr,
            "测试扮演服务端：读到客户端关闭写方向为止，然后回答收到的字节数。\n\
             常见原因：发完没有关闭写方向（双方都在等待）；除了文件的字节还发了文件名、长度或换行；\
             把图片当作文字读；只发了开头的一段。",
        );
        let mut conn = client.accept(&listener);
        assert_sends(&mut client, &mut conn, picture);
        let _ = conn.write_all(format!("{}\n", picture.len()).as_bytes()); // 客户端已经离开：由之后的检查报告
        drop(conn);
        client.assert_exit(0);
        client.assert_stdout(&format!("上传成功：{} 字节\n", picture.len()));
    }
}

#[test]
fn client_checks_the_answer() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("photo.jpg");
    fs::write(&file, [1; 1234]).unwrap();
    let (listener, addr) = listen();
    let mut client = start_client(
        &file,
        addr,
        "客户端上传 1234 字节，服务端的回答是 1000：没有收到全部字节，不是成功。\n\
         run 返回错误（main.rs 打印它，退出状态 1），不打印“上传成功”。\n\
         常见原因：没有读回答，或者没有与发送的字节数比较；用 assert 或 unwrap 代替了返回错误。",
    );
    let mut conn = client.accept(&listener);
    if let Err(e) = conn.read_exact(&mut [0; 1234]) {
        client.fail(&format!("客户端发来文件的 1234 字节；实际：{e}"));
    }
    let _ = conn.write_all(b"1000\n"); // 客户端可以不等回答
    drop(conn);
    client.assert_error(&["错误："]);
    client.assert_stdout("");
}

#[test]
fn whole_upload() {
    let situation = "用自己的客户端，先后把两个文件上传到自己的服务端。\n\
         先看名字以 client_、server_ 开头的测试，它们没有通过，原因写在那里；都通过了，这里才会通过。";
    let (dir, mut server, addr) = start_server(situation);
    let files = TempDir::new().unwrap();
    let file = files.path().join("photo.jpg");
    for picture in [&PHOTO[..1000], PHOTO] {
        fs::write(&file, picture).unwrap();
        let mut client = start_client(&file, addr, situation);
        client.assert_exit(0);
        client.assert_stdout(&format!("上传成功：{} 字节\n", picture.len()));
        server.wait_stdout(&format!("收到 {} 字节，已保存为 new.jpg\n", picture.len()));
        assert_saved(&mut server, &dir, picture);
    }
}
