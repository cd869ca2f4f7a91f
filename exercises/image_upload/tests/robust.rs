//! 图片上传，第二关：真实的对方要求的。次序与 `README.md` 相同。

use std::fs;
use std::path::Path;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;
use testkit::{Outcome::*, Peer, Program, Rule, common, rule};

/// 测试之前已有的图片。
const OLD: &[u8] = b"\xff\xd8 old picture \xff\xd9";

/// 测试上传的另一张图片。
const NEW: &[u8] = b"\xff\xd8 new \xff\xd9";

/// 系统的缓冲区装不下的字节数：能够发完，说明服务端已经在接收。
const BIG: usize = 16 << 20;

/// 只有旧图片的目录。
fn dir_with_old_picture() -> TempDir {
    let dir = TempDir::new().expect("可以新建临时目录");
    fs::write(dir.path().join("new.jpg"), OLD).expect("可以写入临时目录");
    dir
}

#[track_caller]
fn server(rule: &Rule, dir: &TempDir) -> Program {
    rule.server_in(dir.path(), cargo_bin!(), &["server"])
}

/// 上传 `picture`，得到正确的回答。
#[track_caller]
fn upload(server: &Program, picture: &[u8]) {
    let client = server.connect();
    client.send(picture);
    client.finish();
    client.expect(format!("{}\n", picture.len()));
}

/// `dir` 中的 `new.jpg` 正是 `picture`；`which` 说明是哪一张。
#[track_caller]
fn expect_picture(server: &Program, dir: &TempDir, picture: &[u8], which: &str) {
    let actual = match fs::read(dir.path().join("new.jpg")) {
        Ok(saved) if saved == picture => return,
        Ok(saved) => format!("new.jpg 有 {} 字节", saved.len()),
        Err(e) => format!("无法读取 new.jpg：{e}"),
    };
    server.fail(&format!("new.jpg 正是{which}（{} 字节）", picture.len()), &actual)
}

/// 启动客户端，上传 `size` 字节，接受它的连接；返回它、连接、测试的地址和文件所在的目录。
#[track_caller]
fn client(rule: &Rule, size: usize) -> (Program, Peer, String, TempDir) {
    let (listener, dir) = (rule.listen(), dir_with_old_picture());
    let file = dir.path().join("photo.jpg");
    fs::write(&file, vec![1; size]).expect("可以写入临时目录");
    let client = rule.client(cargo_bin!(), &["client", path(&file)], listener.addr());
    let server = listener.accept(&client);
    (client, server, listener.addr().to_string(), dir)
}

/// 同 [`client`]；测试收下全部 1234 字节，客户端等着回答。
#[track_caller]
fn client_that_waits(rule: &Rule) -> (Program, Peer, String) {
    let (client, server, addr, _dir) = client(rule, 1234);
    server.expect([1; 1234]);
    server.expect_close();
    (client, server, addr)
}

fn path(file: &Path) -> &str {
    file.to_str().expect("路径是 UTF-8")
}

#[test]
fn old_picture_stays_until_the_new_one_is_complete() {
    let rule = rule("图片没有收完，new.jpg 就仍是旧的：先写入旁边的文件，收完再改名，一步换上；上次留下的半张图片，不混进这一次。")
        .cause(Other, "直接写入 new.jpg：File::create 的那一刻，旧图片就没有了");
    let dir = dir_with_old_picture();
    let link = dir.path().join("link.jpg");
    fs::hard_link(dir.path().join("new.jpg"), &link).expect("可以建立硬链接");
    let killed = server(&rule, &dir);
    let client = killed.connect();
    client.send(vec![0x5A; BIG]); // 不结束
    expect_picture(&killed, &dir, OLD, "旧图片");
    killed.kill(); // 旁边的文件留了下来
    drop(client);
    let left = "上次的服务端被强行终止，留下了半张图片：旁边的文件可能已经存在，要截断（File::create），\
                不能接在后面，也不能因此出错";
    rule.cause(Other, left).cause(Closed, left);
    let server = server(&rule, &dir);
    upload(&server, NEW);
    expect_picture(&server, &dir, NEW, "上传的图片");
    rule.cause(
        Other,
        "收完之后又把内容写入 new.jpg（fs::write、fs::copy）：写到一半时只有半张，应当用 fs::rename",
    );
    if fs::read(&link).ok().as_deref() != Some(OLD) {
        let expected = "新图片是另一个文件：旧图片的另一个名字 link.jpg（硬链接）仍是旧的内容";
        server.fail(expected, "link.jpg 的内容也变了");
    }
    let client = server.connect();
    client.send(vec![0x5A; BIG]);
    for left in fs::read_dir(&dir).expect("可以读取目录").flatten() {
        if left.file_name() != "new.jpg" {
            let _ = fs::remove_file(left.path());
        }
    }
    client.finish();
    client.receive_to_end(); // 回答与否都可以
    let removed = "改名之前先删除了旧图片：fs::rename 会代替它，不必删除";
    rule.cause(Other, removed).cause(Ended, removed);
    if !dir.path().join("new.jpg").exists() {
        let expected = "一直有 new.jpg：测试在改名之前删除了旁边的文件，不能改名，旧图片仍在";
        server.fail(expected, "new.jpg 没有了");
    }
}

#[test]
fn empty_upload_keeps_the_old_picture() {
    let rule = rule("一个字节也没有收到：回答 0，旧图片不变，也不打印“收到 0 字节……”。")
        .cause(Closed, "没有回答 0")
        .cause(Other, "把空的文件也改名为 new.jpg");
    let dir = dir_with_old_picture();
    let server = server(&rule, &dir);
    upload(&server, b"");
    expect_picture(&server, &dir, OLD, "旧图片");
    upload(&server, NEW);
    server.expect_line(&format!("收到 {} 字节，已保存为 new.jpg", NEW.len()));
    rule.cause(Other, "println! 没有放在“收到了字节”的分支里");
    if server.stdout().contains("收到 0 字节") {
        server.fail("没有保存，就不打印“收到 0 字节，已保存为 new.jpg”", "打印了");
    }
}

#[test]
fn clients_that_vanish() {
    let dir = dir_with_old_picture();
    let request = |client: &Peer| {
        client.send(NEW);
        client.finish();
    };
    let answer = |client: &Peer| {
        client.expect(format!("{}\n", NEW.len()));
    };
    let start = |rule: &Rule| {
        let rule = rule.cause(
            Other,
            "读到一半出错（重置），却当作收完：unwrap_or(0) 只适合聊天，这里读到 0 字节才是收完",
        );
        server(&rule, &dir)
    };
    let server = common::clients_that_vanish(start, &NEW[..5], request, answer);
    // std 不能随意重置连接，由 perl 代劳
    #[cfg(unix)]
    if testkit::fire::has_perl() {
        let client = server.connect();
        client.send([1; 1000]);
        testkit::fire::reset_now(client);
        server.connect().expect_silence();
        expect_picture(&server, &dir, NEW, "重置之前的图片");
    }
    upload(&server, OLD);
    server.expect_running();
}

#[test]
fn silence() {
    let rule = rule("客户端沉默 5 秒，就放弃它：不回答，旧图片不变，再服务下一个。慢不是沉默：每次收到数据，重新计时。")
        .cause(Closed, "时限管的是整个上传，应当只管每一次 read（set_read_timeout）；或者时限太短")
        .cause(Other, "时限管的是整个上传，应当只管每一次 read（set_read_timeout）；或者时限太短");
    let dirs = [(); 2].map(|()| dir_with_old_picture());
    let [patient, server] = [0, 1].map(|i| server(&rule, &dirs[i]));
    let silent = server.connect();
    silent.send([1; 1000]);
    let slow = patient.connect();
    for piece in ["a", "b", "c"] {
        slow.send(piece);
        slow.expect_silence_for(Duration::from_millis(2200));
    }
    slow.send("d");
    slow.finish();
    slow.expect("4\n");
    expect_picture(&patient, &dirs[0], b"abcd", "慢的客户端的图片");
    rule.cause(Open, "没有设置读超时（set_read_timeout），或者出错（超时）之后又继续读")
        .cause(
            Other,
            "读到一半出错（超时），却当作收完：unwrap_or(0) 只适合聊天，这里读到 0 字节才是收完",
        )
        .cause(Ended, "在循环里用了 ? 或 unwrap：一个连接的错误结束了整个程序");
    let last = String::from_utf8_lossy(&silent.receive_to_end()).into_owned();
    if last.trim().parse::<u64>().is_ok() {
        server.fail("放弃沉默的客户端，不回答字节数", &format!("回答了 {last:?}"));
    }
    expect_picture(&server, &dirs[1], OLD, "旧图片");
    rule.cause(Closed, "放弃沉默的客户端之后，没有再服务下一个");
    upload(&server, NEW);
    server.expect_running();
}

#[test]
fn many_clients_at_once() {
    let rule = rule("许多客户端同时连接，每个都得到自己的字节数，图片不混在一起：一个接一个服务就可以，同时服务则各用各的临时文件。")
        .cause(Closed, "几个线程用同一个临时文件：别的线程已经把它改名")
        .cause(Silence, "没有服务每一个客户端")
        .cause(Other, "几个线程同时写同一个临时文件");
    let dir = dir_with_old_picture();
    let server = server(&rule, &dir);
    let mut pictures: Vec<Vec<u8>> = (0..20).map(|i| vec![i; 4000 + usize::from(i)]).collect();
    pictures[0].resize(2 * BIG, 0); // 发完它的一半，服务端已经在保存
    let start = |picture: &Vec<u8>| {
        let client = server.connect();
        client.send(&picture[..picture.len() / 2]);
        client
    };
    let clients: Vec<Peer> = pictures.iter().map(start).collect();
    clients[0].expect_silence(); // 同时服务的，这时都在保存
    for (client, picture) in clients.iter().zip(&pictures).rev() {
        client.send(&picture[picture.len() / 2..]);
        client.finish();
    }
    for (client, picture) in clients.iter().zip(&pictures) {
        client.expect(format!("{}\n", picture.len()));
    }
    let saved = fs::read(dir.path().join("new.jpg")).unwrap_or_default();
    if !pictures.contains(&saved) {
        let actual = format!("new.jpg 有 {} 字节，不是其中的一张", saved.len());
        server.fail("new.jpg 是其中完整的一张", &actual);
    }
}

#[test]
fn cannot_listen() {
    common::cannot_listen(cargo_bin!(), &["server"]);
}

#[test]
fn no_server() {
    let dir = dir_with_old_picture();
    common::no_server(cargo_bin!(), &["client", path(&dir.path().join("new.jpg"))]);
}

#[test]
fn file_that_cannot_be_uploaded() {
    let rule = rule(
        "文件不存在、是空的、是目录：一行错误，写明是哪个文件；什么也不发送，连接与否都可以。",
    );
    let dir = TempDir::new().expect("可以新建临时目录");
    fs::write(dir.path().join("empty.jpg"), "").expect("可以写入临时目录");
    fs::create_dir(dir.path().join("folder.jpg")).expect("可以写入临时目录");
    for name in ["missing.jpg", "folder.jpg", "empty.jpg"] {
        let rule = match name {
            "empty.jpg" => rule.cause(Open, "没有检查：空的文件也上传了，在等回答"),
            _ => rule.clone(),
        };
        let listener = rule.listen();
        let file = dir.path().join(name);
        let client = rule.client(cargo_bin!(), &["client", path(&file)], listener.addr());
        client.expect_error(&[name]);
        listener.expect_nothing_sent(&client);
    }
}

#[test]
fn answer_in_pieces() {
    let once = "把一次 read 当作整个回答，应读到 `\\n`";
    let rule = rule("回答可以分几段到达：读到 `\\n` 才完整，也就完整了，不必等服务端关闭连接。")
        .cause(Ended, once)
        .cause(Other, once)
        .cause(Silence, "一直读到服务端关闭连接（read_to_string），应只读到 `\\n`");
    let (client, server, _) = client_that_waits(&rule);
    for piece in ["12", "34"] {
        server.send(piece);
        client.expect_quiet();
    }
    server.send("\n");
    client.expect_stdout("上传成功：1234 字节\n");
    client.expect_exit(0);
}

#[test]
fn wrong_answers() {
    let rule = rule(
        "回答不正好是字节数和 `\\n`（别的数，半个数，不是数）：一行错误，写明服务端的地址；不打印“上传成功”。",
    );
    let compare = "没有把回答与发送的字节数比较；用了 unwrap 或 assert";
    for (answer, cause) in [
        (b"1233\n".as_slice(), compare),
        (b"0\n", compare),
        (b"12345\n", "只比较了开头的几个字节（starts_with），或者只读了这么多"),
        (b"123\n", compare),
        (b"123", compare),
        (b"1234", "没有检查 `\\n`：没有它，1234 可能是 12345 的一半"),
        (b"\n", "没有比较；parse 出错时用了 unwrap"),
        ("收到\n".as_bytes(), "没有比较；parse 出错时用了 unwrap"),
        (b"\xff\xfe\n", "不是 UTF-8 的回答也是错误：不能用 unwrap"),
    ] {
        let rule = rule.cause(Ended, cause);
        let (client, server, addr) = client_that_waits(&rule);
        server.send(answer);
        server.close();
        client.expect_error(&[&addr]);
    }
}

#[test]
fn server_that_goes_away() {
    let rule = rule("服务端不回答就离开，或者收到一半就重置连接：一行错误，写明服务端的地址；不打印“上传成功”。")
        .cause(Ended, "没有读回答，或者忽略了发送、接收的错误；用了 unwrap")
        .cause(Open, "读到 0 字节表示服务端已经离开，不是还没有回答");
    let (program, server, addr) = client_that_waits(&rule);
    server.close();
    program.expect_error(&[&addr]);
    for size in [1234, BIG] {
        let (program, server, addr, _dir) = client(&rule, size);
        server.reset();
        program.expect_error(&[&addr]);
    }
}
