//! 图片上传，第一关：课程要求的。

use std::fs;
use std::net::SocketAddr;

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;
use testkit::{Outcome::*, Program, Rule, rule};

/// 练习自带的图片。
const PHOTO: &[u8] = include_bytes!("../photo.jpg");

fn dir() -> TempDir {
    TempDir::new().expect("可以新建临时目录")
}

#[track_caller]
fn server(rule: &Rule, dir: &TempDir) -> Program {
    rule.server_in(dir.path(), cargo_bin!(), &["server"])
}

/// `server` 在 `dir` 中保存的 `new.jpg` 正是 `picture`，打印的一行也对。
#[track_caller]
fn expect_saved(server: &Program, dir: &TempDir, picture: &[u8]) {
    let n = picture.len();
    let actual = match fs::read(dir.path().join("new.jpg")) {
        Ok(saved) if saved == picture => {
            return server.expect_line(&format!("收到 {n} 字节，已保存为 new.jpg"));
        }
        Ok(saved) => {
            let same = saved.iter().zip(picture).take_while(|(a, b)| a == b).count();
            format!("new.jpg 有 {} 字节，前 {same} 字节相同", saved.len())
        }
        Err(e) => format!("无法读取 new.jpg：{e}"),
    };
    server.fail(&format!("服务端回答时，工作目录中的 new.jpg 正是这 {n} 字节"), &actual)
}

/// 因为 `why`，`server` 不能保存图片：它结束连接，不回答字节数。
#[track_caller]
fn expect_no_answer(server: &Program, why: &str) {
    let client = server.connect();
    client.send(&PHOTO[..4000]);
    client.finish();
    if client.receive_to_end() == b"4000\n" {
        let cause =
            "先回答，后保存；回答的时候图片还在 BufWriter 里，要先 flush；没有检查写文件的结果";
        server.rule().cause(Other, cause);
        server.fail(&format!("没有保存（{why}），就不回答字节数"), "收到 \"4000\\n\"");
    }
}

/// 启动客户端，向 `addr` 上传内容是 `picture` 的文件；文件在 `dir` 中，名字含有空格和汉字。
#[track_caller]
fn client(rule: &Rule, dir: &TempDir, picture: &[u8], addr: SocketAddr) -> Program {
    let file = dir.path().join("我的 图片.jpg");
    fs::write(&file, picture).expect("可以写入临时目录");
    let args = ["client", file.to_str().expect("路径是 UTF-8")];
    rule.client(cargo_bin!(), &args, addr)
}

#[test]
fn server_saves_the_picture() {
    let one_read = "把一次 read 当作整张图片，或者读到的比缓冲区小就当作收完：read 返回 0 才是收完";
    let rule = rule("图片可以分几段到达：读到 0 字节才收完；保存好了，再回答字节数和 `\\n`。")
        .cause(Other, one_read)
        .cause(Closed, one_read)
        .cause(Ended, one_read);
    let dir = dir();
    let server = server(&rule, &dir);
    let client = server.connect();
    for piece in [&PHOTO[..1], &PHOTO[1..40_000], &PHOTO[40_000..]] {
        client.send(piece);
        client.expect_silence();
    }
    rule.cause(Silence, "收完之后没有回答；读到 0 字节之后没有结束循环")
        .cause(Other, "把图片当作文字；数错了字节")
        .cause(Closed, "没有回答")
        .cause(Ended, "读到 0 字节之后就结束了程序，没有回答");
    client.finish();
    client.expect(format!("{}\n", PHOTO.len()));
    rule
        .cause(Silence, "没有打印")
        .cause(Other, "写入文件的是整个缓冲区，不是 &buffer[..n]；先回答，后保存（BufWriter 要 flush）；打印的一行不对");
    expect_saved(&server, &dir, PHOTO);
    rule.cause(Other, "回答只有一行：十进制的字节数和 `\\n`").cause(Open, "回答之后没有关闭连接");
    client.expect_close();
    let dir = self::dir();
    fs::create_dir(dir.path().join("new.jpg")).expect("可以写入临时目录");
    expect_no_answer(&self::server(&rule, &dir), "new.jpg 是一个目录");
    #[cfg(unix)] // 用 ulimit 限制文件的大小，写文件就出错，如同磁盘已满
    {
        let (dir, full) = (self::dir(), "trap '' XFSZ; ulimit -f 1");
        let server = rule.server_limited(dir.path(), full, cargo_bin!(), &["server"]);
        expect_no_answer(&server, "磁盘已满");
    }
}

#[test]
fn server_serves_the_next_client() {
    let rule = rule("服务完一个客户端，再服务下一个；新图片代替旧图片，字节数每次从 0 数起。")
        .cause(Closed, "只接受了一个连接：accept 要在循环里")
        .cause(Ended, "只接受了一个连接就结束：accept 要在循环里")
        .cause(Silence, "没有再接受连接；图片的大小正好是缓冲区的整数倍时，一直在等")
        .cause(Other, "没有截断旧图片，或者写在它的后面（File::create 会截断）；字节数没有从 0 数起；丢失了最后不满缓冲区的一段");
    let dir = dir();
    let server = server(&rule, &dir);
    for size in [200_000, 13, 1, 1024, 65_536, 1 << 20, (1 << 20) + 1, 2] {
        let picture: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        let client = server.connect();
        client.send(&picture);
        client.finish();
        client.expect(format!("{size}\n"));
        expect_saved(&server, &dir, &picture);
    }
    rule.cause(Other, "每个客户端只打印一行");
    server.expect_running();
}

#[test]
fn client_sends_exactly_the_file() {
    let rule = rule("客户端发送文件的全部字节，不多也不少，关闭写方向；收到回答，打印“上传成功”。")
        .cause(Silence, "只发了开头的一段：read 一次只得到一段，要读到 0 字节为止")
        .cause(Closed, "只发了开头的一段：read 一次只得到一段，要读到 0 字节为止")
        .cause(Other, "除了文件的字节，还发了文件名、长度或换行；把图片当作文字；发送的是整个缓冲区，不是 &buffer[..n]")
        .cause(Open, "发完没有关闭写方向（shutdown(Shutdown::Write)），双方都在等待");
    let (dir, listener) = (dir(), rule.listen());
    let client = client(&rule, &dir, PHOTO, listener.addr());
    let server = listener.accept(&client);
    server.expect(PHOTO);
    server.expect_close();
    rule.cause(Silence, "没有读回答，或者读到之后没有打印")
        .cause(Other, "没有去掉回答末尾的 `\\n`；文字与约定的不同")
        .cause(Ended, "把读方向也关闭了（Shutdown::Both）；对回答的字节数判断错了");
    server.send(format!("{}\n", PHOTO.len()));
    server.close();
    client.expect_stdout(&format!("上传成功：{} 字节\n", PHOTO.len()));
    client.expect_exit(0);
}

#[test]
#[cfg(unix)]
fn client_sends_every_byte_of_a_big_file() {
    let short = "write 可能只写出一部分就返回，返回值才是写出的字节数：用 write_all 或 io::copy";
    let rule = rule("服务端一时不收，用户按 Ctrl-Z 又继续，客户端也不少发一个字节。")
        .cause(Other, short)
        .cause(Closed, short)
        .cause(Ended, short)
        .cause(Open, "发完没有关闭写方向（shutdown(Shutdown::Write)），双方都在等待");
    let picture: Vec<u8> = (0..8 << 20).map(|i: u32| (i % 251) as u8).collect();
    let (dir, listener) = (dir(), rule.listen());
    let client = client(&rule, &dir, &picture, listener.addr());
    let server = listener.accept(&client);
    client.expect_quiet(); // 系统的缓冲区满了，客户端停在 write 中
    client.interrupt();
    server.expect(&picture);
    server.expect_close();
}

#[test]
fn client_checks_the_answer() {
    let rule = rule("服务端回答的字节数与发送的不同：run 返回错误，不打印“上传成功”。")
        .cause(Open, "没有读到 `\\n` 就结束，而是一直等待")
        .cause(Ended, "没有读回答，或者没有与发送的字节数比较；用 assert 或 unwrap 代替了返回错误");
    let (dir, listener) = (dir(), rule.listen());
    let client = client(&rule, &dir, PHOTO, listener.addr());
    let server = listener.accept(&client);
    server.expect(PHOTO);
    server.send("40000\n");
    server.close();
    client.expect_exit(1);
}

#[test]
fn together_client_and_server() {
    let rule = rule("客户端先后上传两张图片，服务端各保存一次。");
    let dir = dir();
    let server = server(&rule, &dir);
    for picture in [PHOTO, &PHOTO[..1000]] {
        let client = client(&rule, &dir, picture, server.addr());
        client.expect_stdout(&format!("上传成功：{} 字节\n", picture.len()));
        client.expect_exit(0);
        expect_saved(&server, &dir, picture);
    }
    server.expect_running();
}
