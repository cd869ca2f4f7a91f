//! 网络单词查询的服务端。

use std::error::Error;
use std::net::SocketAddr;

/// 词典，一行一个单词：小写的单词、制表符、解释；编译时从 `dict.txt` 嵌入程序。
const DICT: &str = include_str!("../dict.txt");

/// 词典中没有这个单词时的回答。
const UNKNOWN: &str = "没有找到这个单词";

/// 接收缓冲区的字节数。
const BUFFER_SIZE: usize = 256;

/// 在 `addr` 上启动服务端，一直运行；无法绑定时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 绑定 addr；在标准错误上写一行，以实际绑定的地址结尾
    // 2. 循环接收数据报，一个数据报是一个单词
    // 3. 去掉单词前后的空白，在 DICT 中查找，不分大小写；没有就用 UNKNOWN
    // 4. 把解释作为一个数据报，发回给这个单词的来源
    todo!("第 1 步：绑定 {addr}；用到 {} 字节的词典、{UNKNOWN:?}、{BUFFER_SIZE}", DICT.len())
}
