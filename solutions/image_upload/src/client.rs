//! 图片上传的客户端。

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;

/// 一次最多读写的字节数；`io::copy` 自己的缓冲区只有 8 KiB。
const BUFFER_SIZE: usize = 128 * 1024;

/// 服务端的回答最多的字节数：`u64` 最多 20 位，加上 `\n`。类型与 `Read::take` 的参数相同。
const MAX_ANSWER: u64 = 21;

/// 把文件 `file` 上传到 `addr` 的服务端；文件不能上传、服务端没有确认收到全部字节时返回错误。
pub fn run(file: &Path, addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    let name = file.display();
    // 1. 先检查，再连接；目录在 Linux 上也能“打开”，到读的时候才出错
    let metadata = fs::metadata(file).map_err(|e| format!("无法读取 {name}：{e}"))?;
    if !metadata.is_file() {
        return Err(format!("{name} 不是文件").into());
    }
    if metadata.len() == 0 {
        return Err(format!("{name} 是空文件").into());
    }
    let picture = File::open(file).map_err(|e| format!("无法打开 {name}：{e}"))?;
    // 2. 文件没有问题，才打扰服务端
    let mut stream =
        TcpStream::connect(addr).map_err(|e| format!("无法连接 {addr}：{e}。请先启动服务端"))?;
    // 3. io::copy 分段读、分段发：文件再大，占用的内存也不变；n 是实际发送的字节数
    let n = io::copy(&mut BufReader::with_capacity(BUFFER_SIZE, picture), &mut stream)
        .map_err(|e| format!("无法把 {name} 发送到 {addr}：{e}"))?;
    // 4. 只关闭写方向：服务端读到结尾，才会回答，而回答还要从这个连接读
    stream.shutdown(Shutdown::Write).map_err(|e| format!("无法发送到 {addr}：{e}"))?;
    // 5. 回答不一定一次到齐：读到 \n 才完整；长度有限，不相信对方
    let mut answer = Vec::new();
    BufReader::new(stream.take(MAX_ANSWER))
        .read_until(b'\n', &mut answer)
        .map_err(|e| format!("无法从 {addr} 接收：{e}"))?;
    // 6. 发送成功只说明字节交给了系统；服务端的字节数相同，才是真的收到
    let answer = String::from_utf8_lossy(&answer);
    if answer != format!("{n}\n") {
        return Err(format!("发送了 {n} 字节，服务端 {addr} 的回答却是 {answer:?}").into());
    }
    println!("上传成功：{n} 字节");
    Ok(())
}
