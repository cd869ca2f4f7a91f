//! 记录上传的服务端。

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// 保存记录的文件，在当前工作目录中。
const RECORDS_FILE: &str = "records.txt";

/// 一行最多的字节数，不含 `\n`。
const MAX_LINE: usize = 65_536;

/// 客户端沉默这么久，就不再等它。
const TIMEOUT: Duration = Duration::from_secs(5);

/// 写入一条记录用不了这么久。
const WRITE_TIME: Duration = Duration::from_millis(500);

/// 写文件时持有的锁：所有连接写同一个文件。
static FILE_LOCK: Mutex<()> = Mutex::new(());

/// 同时服务的客户端最多的个数：一个线程占四段内存映射，Linux 默认一个进程最多 65530 段，用完就会崩溃。
const MAX_CLIENTS: usize = 10_000;

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 端口 0 由系统选择端口，所以写出的是 local_addr，不是 addr
    let listener = TcpListener::bind(addr).map_err(|e| format!("无法监听 {addr}：{e}"))?;
    eprintln!("记录服务端已启动：{}", listener.local_addr()?);
    drop_half_record().map_err(|e| format!("无法整理 {RECORDS_FILE}：{e}"))?;
    let clients = Arc::new(()); // 每个线程持有一份，结束时归还：份数比客户端多一
    loop {
        // 2. 每个连接一个线程：缓慢的客户端只占用自己的线程
        let result = listener.accept().and_then(|(stream, peer)| {
            if Arc::strong_count(&clients) > MAX_CLIENTS {
                return Err(io::Error::other("客户端太多"));
            }
            let client = Arc::clone(&clients);
            thread::Builder::new().spawn(move || {
                let _client = client;
                if let Err(e) = serve(&stream) {
                    eprintln!("{peer}：{e}");
                }
            })
        });
        // 描述符或线程用完时，立即重试只是空转：等别的连接结束
        if let Err(e) = result {
            eprintln!("无法接受连接：{e}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// 保存一个客户端的全部记录，回答条数；客户端沉默、一行过长、无法写入文件时返回错误。
fn serve(mut stream: &TcpStream) -> Result<(), Box<dyn Error>> {
    // 3. 没有时限，一个沉默的客户端就永远占用一个线程
    stream.set_read_timeout(Some(TIMEOUT))?;
    let mut reader = BufReader::new(stream);
    let mut saved = 0;
    loop {
        // 4. 字节流没有边界，\n 就是边界；只限读 MAX_LINE + 1 字节，没有换行的数据不会占满内存
        let mut line = Vec::new();
        reader
            .by_ref()
            .take(MAX_LINE as u64 + 1)
            .read_until(b'\n', &mut line)
            .map_err(|e| format!("没有等到下一行：{e}"))?;
        // 5. 记录按字节保存：不必是 UTF-8，空格也原样保留
        match line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")) {
            Some(b"#") => break,
            Some(b"") => {}
            Some(record) => {
                append(record).map_err(|e| format!("无法写入 {RECORDS_FILE}：{e}"))?;
                saved += 1;
            }
            None if line.len() > MAX_LINE => return Err(format!("一行超过 {MAX_LINE} 字节").into()),
            None => return Ok(()), // 客户端没有发 # 就离开了：半条记录不可信
        }
    }
    // 6. 记录已经全部写入文件，这时才能回答
    println!("已保存 {saved} 条记录");
    stream.write_all(format!("{saved}\n").as_bytes())?;
    // 7. 还有没读的字节就关闭，系统会重置连接，回答可能丢失：先关闭写方向，再读到对方关闭
    let _ = stream.shutdown(Shutdown::Write);
    let _ = io::copy(&mut reader, &mut io::sink());
    Ok(())
}

/// 删去 `RECORDS_FILE` 末尾的半条记录：上一次运行可能在写入的中途被强行终止，新的记录不能接在它后面。
fn drop_half_record() -> io::Result<()> {
    if !fs::metadata(RECORDS_FILE).is_ok_and(|file| file.is_file()) {
        return Ok(()); // 没有这个文件，或者不是普通的文件
    }
    let content = fs::read(RECORDS_FILE)?;
    let whole = content.iter().rposition(|&byte| byte == b'\n').map_or(0, |i| i + 1);
    let half = content.len() - whole;
    if half > 0 {
        thread::sleep(WRITE_TIME); // 也可能是同一目录中的另一个服务端正在写：长度不再变化，才是半条
        let file = File::options().write(true).open(RECORDS_FILE)?;
        if file.metadata()?.len() == content.len() as u64 {
            file.set_len(whole as u64)?;
            eprintln!("已删去 {RECORDS_FILE} 末尾的半条记录（{half} 字节）");
        }
    }
    Ok(())
}

/// 在 `RECORDS_FILE` 末尾写入一行 `record`；写到一半出错（例如磁盘已满）时，恢复文件原来的长度。
fn append(record: &[u8]) -> io::Result<()> {
    let _lock = FILE_LOCK.lock(); // 别的线程不会同时写入，恢复长度才不会删去它的记录
    // 追加而不是新建：以前的记录保留；记录与 \n 一次写入；万一中途被终止，由 drop_half_record 善后
    let mut file = File::options().create(true).append(true).open(RECORDS_FILE)?;
    // 追加方式打开的文件在 Windows 上不能截短，所以另外打开一次；写之前打开，恢复时就不会再打不开
    let undo = File::options().write(true).open(RECORDS_FILE)?;
    let length = file.metadata()?.len();
    file.write_all(&[record, b"\n"].concat()).inspect_err(|_| {
        let _ = undo.set_len(length);
    })
}
