//! 记录上传的服务端。

use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// 保存记录的文件，在当前工作目录中。
const RECORDS_FILE: &str = "records.txt";

/// 一行最多的字节数，不含 `\n`。
const MAX_LINE: u64 = 65_536;

/// 客户端沉默这么久，就不再等它。
const TIMEOUT: Duration = Duration::from_secs(5);

/// 同时服务的客户端最多的个数：一个线程占四段内存映射，Linux 默认一个进程最多 65530 段，用完就会崩溃。
const MAX_CLIENTS: usize = 10_000;

/// 写文件时持有的锁：几个线程同时写，会互相覆盖。
static FILE_LOCK: Mutex<()> = Mutex::new(());

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 端口 0 由系统选择端口，所以写出的是 local_addr，不是 addr
    let tcp_socket = TcpListener::bind(addr).map_err(|e| format!("无法监听 {addr}：{e}"))?;
    eprintln!("记录服务端已启动：{}", tcp_socket.local_addr()?);
    drop_half_record().map_err(|e| format!("无法整理 {RECORDS_FILE}：{e}"))?;
    let mut clients: Vec<JoinHandle<()>> = Vec::new();
    loop {
        // 2. 每个连接一个线程：缓慢的客户端只占用自己的线程；它的错误也只属于它自己
        let result = tcp_socket.accept().and_then(|(conn, addr)| {
            clients.retain(|client| !client.is_finished()); // 已经离开的不算
            if clients.len() >= MAX_CLIENTS {
                return Err(io::Error::other("客户端太多"));
            }
            let client = move || serve(&conn).unwrap_or_else(|e| eprintln!("放弃 {addr}：{e}"));
            clients.push(thread::Builder::new().spawn(client)?); // 线程用完时 thread::spawn 会崩溃
            Ok(())
        });
        // 描述符或线程用完时，立即重试只是空转：等别的客户端离开
        if let Err(e) = result {
            eprintln!("无法接受连接：{e}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// 保存一个客户端的全部记录，回答条数；客户端沉默、无法写入文件时返回错误。
fn serve(mut conn: &TcpStream) -> Result<(), Box<dyn Error>> {
    // 没有时限，一个沉默的客户端就永远占用一个线程
    conn.set_read_timeout(Some(TIMEOUT))?;
    // 一个 BufReader 用到底：它会多读一些，每次新建就丢失了后面的记录
    let mut reader = BufReader::new(conn);
    let mut saved = 0;
    loop {
        // 3. 字节流没有边界，\n 就是边界；只限读 MAX_LINE + 1 字节，没有换行的数据不会占满内存
        let mut line = Vec::new();
        reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut line)?;
        // 4. 记录中可以有 #，所以比较整行；Windows 的习惯是 \n 前面有 \r
        match line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")) {
            Some(b"#") => break,
            Some(b"") => {}
            Some(record) => {
                append(record).map_err(|e| format!("无法写入 {RECORDS_FILE}：{e}"))?;
                saved += 1;
            }
            None => return Ok(()), // 客户端没有发 # 就离开了，或者一行过长：半条记录不可信
        }
    }
    // 5. 记录已经全部写入文件，这时才能回答
    // println! 写不出去时（例如 | head -1）会崩溃，客户端就得不到回答：少写一行不要紧
    let _ = writeln!(io::stdout(), "已保存 {saved} 条记录");
    conn.write_all(format!("{saved}\n").as_bytes())?;
    // 还有没读的字节就关闭，系统会重置连接，回答可能丢失：先关闭写方向，再读到对方关闭
    let _ = conn.shutdown(Shutdown::Write);
    let _ = io::copy(&mut reader, &mut io::sink());
    Ok(())
}

/// 在 `RECORDS_FILE` 末尾写入一行 `record`；写到一半出错（例如磁盘已满）时，恢复文件原来的长度。
fn append(record: &[u8]) -> io::Result<()> {
    let _lock = FILE_LOCK.lock();
    // 追加方式打开的文件在 Windows 上不能截短，所以自己移到末尾（同一个目录中只能有一个服务端）
    let mut file = File::options().create(true).truncate(false).write(true).open(RECORDS_FILE)?;
    let length = file.seek(SeekFrom::End(0))?;
    file.write_all(&[record, b"\n"].concat()).inspect_err(|_| {
        let _ = file.set_len(length);
    })
}

/// 删去 `RECORDS_FILE` 末尾的半条记录：上一次运行可能在写入的中途被强行终止，新的记录不能接在它后面。
fn drop_half_record() -> io::Result<()> {
    let Ok(mut file) = File::options().read(true).write(true).open(RECORDS_FILE) else {
        return Ok(()); // 还没有这个文件（无法打开的，写入时会说明）
    };
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_LINE)))?; // 半条不会更长
    let mut tail = Vec::new();
    (&file).take(length).read_to_end(&mut tail)?;
    let half = tail.iter().rev().take_while(|&&byte| byte != b'\n').count();
    if half > 0 {
        file.set_len(length - half as u64)?;
        eprintln!("已删去 {RECORDS_FILE} 末尾的半条记录（{half} 字节）");
    }
    Ok(())
}
