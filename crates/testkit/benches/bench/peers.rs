//! 用来比较的程序：只做同一件工作，不检查，不设限，尽量快；每个都在自己的进程中运行。

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::thread;

/// 上传的两端每次读写的字节数：试过 64 KiB 至 8 MiB，取最快的。
const SERVER_BUFFER: usize = 4 * 1024 * 1024;
const CLIENT_BUFFER: usize = 128 * 1024;

/// 运行名为 `args[0]` 的程序；不认识的名字返回 `None`。
pub fn run(args: &[&str]) -> Option<io::Result<()>> {
    Some(match args {
        ["line_echo"] => line_echo(|mut stream, line| stream.write_all(line)),
        ["line_echo_in_two_writes"] => line_echo(|mut stream, line| {
            stream.write_all(&line[..line.len() - 1])?;
            stream.write_all(b"\n")
        }),
        ["udp_echo"] => udp_echo(),
        ["http", size] => http(size.parse().expect("字节数")),
        ["http_with_64_threads", size] => http_with_64_threads(size.parse().expect("字节数")),
        ["file_server"] => upload_server(|stream| {
            let n = copy(stream, &mut File::create("new.jpg.part")?, SERVER_BUFFER)?;
            fs::rename("new.jpg.part", "new.jpg")?;
            Ok(n)
        }),
        ["memory_server"] => upload_server(|stream| copy(stream, &mut io::sink(), SERVER_BUFFER)),
        ["copy_server"] => upload_server(|stream| {
            let n = io::copy(stream, &mut File::create("new.jpg.part")?)?;
            fs::rename("new.jpg.part", "new.jpg")?;
            Ok(n)
        }),
        ["file_client", file, addr] => {
            upload(addr, |stream| copy(&mut File::open(file)?, stream, CLIENT_BUFFER))
        }
        ["memory_client", size, addr] => upload(addr, |stream| {
            let size = size.parse().expect("字节数");
            copy(&mut io::repeat(7).take(size), stream, CLIENT_BUFFER)
        }),
        ["copy_client", file, addr] => {
            upload(addr, |stream| io::copy(&mut File::open(file)?, stream))
        }
        _ => return None,
    })
}

/// 监听一个空闲端口，像答案一样在标准错误上写出地址。
fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    eprintln!("对照程序已启动：{}", listener.local_addr()?);
    Ok(listener)
}

/// 一个连接一个线程，收到一行，用 `reply` 发回一行。
fn line_echo(reply: fn(&TcpStream, &[u8]) -> io::Result<()>) -> io::Result<()> {
    for stream in listen()?.incoming() {
        let stream = stream?;
        thread::spawn(move || -> io::Result<()> {
            let mut reader = BufReader::new(&stream);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line)? > 0 {
                reply(&stream, &line)?;
                line.clear();
            }
            Ok(())
        });
    }
    Ok(())
}

/// 收到一个数据报，原样发回。
fn udp_echo() -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    eprintln!("对照程序已启动：{}", socket.local_addr()?);
    let mut buffer = [0; 65_535];
    loop {
        let (n, peer) = socket.recv_from(&mut buffer)?;
        socket.send_to(&buffer[..n], peer)?;
    }
}

/// 一个连接一个线程：收到请求，响应 `size` 字节。
fn http(size: usize) -> io::Result<()> {
    for stream in listen()?.incoming() {
        let stream = stream?;
        thread::spawn(move || respond(stream, size));
    }
    Ok(())
}

/// 同上，但是 64 个线程反复使用，各自接受连接。
fn http_with_64_threads(size: usize) -> io::Result<()> {
    let listener = listen()?;
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                for stream in listener.incoming() {
                    let _ = stream.and_then(|stream| respond(stream, size));
                }
            });
        }
    });
    Ok(())
}

/// 读一次，响应 `size` 字节，等对方关闭。
fn respond(mut stream: TcpStream, size: usize) -> io::Result<()> {
    let mut buffer = [0; 1024];
    if stream.read(&mut buffer)? == 0 {
        return Ok(());
    }
    let header = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n");
    stream.write_all(&[header.as_bytes(), &vec![b'x'; size]].concat())?;
    stream.shutdown(Shutdown::Write)?;
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

/// 一个连接接一个连接：用 `save` 收完，回答字节数。
fn upload_server(save: fn(&mut TcpStream) -> io::Result<u64>) -> io::Result<()> {
    for stream in listen()?.incoming() {
        let mut stream = stream?;
        let n = save(&mut stream)?;
        writeln!(stream, "{n}")?;
    }
    Ok(())
}

/// 连接 `addr`，用 `send` 发送；服务端应回答发送的字节数。
fn upload(addr: &str, send: impl Fn(&mut TcpStream) -> io::Result<u64>) -> io::Result<()> {
    let mut stream = TcpStream::connect(addr)?;
    let n = send(&mut stream)?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert_eq!(answer, format!("{n}\n"));
    Ok(())
}

/// 从 `reader` 搬到 `writer`，每次最多 `size` 字节，直到结尾；返回字节数。
fn copy(reader: &mut impl Read, writer: &mut impl Write, size: usize) -> io::Result<u64> {
    let mut buffer = vec![0; size];
    let mut total = 0;
    loop {
        let n = reader.read(&mut buffer)?;
        if n == 0 {
            return Ok(total);
        }
        writer.write_all(&buffer[..n])?;
        total += n as u64;
    }
}
