// 网页的四处补充：中文搜索、mdBook 自己的文字、源文件的链接、打印。随 mdBook 的脚本之后运行。
'use strict';

// 1. 搜索。mdBook 的索引里没有中文的词，却有各节的全文：改为在全文中找，空格隔开的几个词都要有。
//    词在标题中的排在前面；摘要从第一处开始，词的两边加空格，mdBook 才会把它标出来。
elasticlunr.Index.prototype.search = function (query) {
    const words = query.toLowerCase().split(/\s+/);
    const pattern = new RegExp(words.map(word => word.replace(/[^\p{L}\p{N}]/gu, '\\$&')).join('|'), 'gi');
    const count = text => (text.match(pattern) || []).length;
    return Object.entries(this.documentStore.docs)
        .filter(([, doc]) => words.every(word => `${doc.title}\n${doc.body}`.toLowerCase().includes(word)))
        .map(([ref, doc]) => {
            const start = Math.max(0, doc.body.search(pattern) - 30);
            const teaser = (start ? '…' : '') + doc.body.substr(start, 120).replace(pattern, ' $& ') + '…';
            return { ref, doc: { ...doc, body: teaser }, score: 20 * count(doc.title) + count(doc.body) };
        })
        .sort((a, b) => b.score - a.score);
};

const searchbar = document.getElementById('mdbook-searchbar');
const refresh = () => searchbar.dispatchEvent(new Event('keyup')); // mdBook 在松开键时搜索
// 用输入法、鼠标、触摸屏输入时没有松开键；输入法正在用的键（回车选词）不是给 mdBook 的
searchbar.addEventListener('input', refresh);
searchbar.addEventListener('keydown', event => {
    if (event.isComposing || event.keyCode === 229) event.stopPropagation();
});

// 2. mdBook 自己的文字
const chinese = {
    'Toggle Table of Contents': '目录', 'Table of contents': '目录', 'Page navigation': '翻页',
    'Previous chapter': '上一页', 'Next chapter': '下一页', 'Print this book': '打印全书',
    'Change theme': '颜色', 'Themes': '颜色', 'Auto': '随系统', 'Light': '浅色', 'Rust': '锈色',
    'Coal': '炭黑', 'Navy': '海军蓝', 'Ayu': '墨蓝',
    'Copy to clipboard': '复制', 'Copied!': '已复制', 'Clipboard error!': '不能复制',
    'Search (`/`)': '搜索（/）', 'Toggle Searchbar': '搜索', 'Search this book ...': '搜索全书……',
};
document.querySelectorAll('[title], [aria-label], [placeholder], .theme').forEach(element => {
    for (const name of ['title', 'aria-label', 'placeholder']) {
        const text = chinese[element.getAttribute(name)];
        if (text) element.setAttribute(name, text);
    }
    if (element.matches('.theme')) element.textContent = chinese[element.textContent];
});
document.getElementById('mdbook-help-popup').innerHTML = '<h2>快捷键</h2><p><kbd>←</kbd> <kbd>→</kbd> 翻页</p>'
    + '<p><kbd>S</kbd> <kbd>/</kbd> 搜索</p><p><kbd>?</kbd> 显示本说明，<kbd>Esc</kbd> 关闭</p>';
// 这两处的文字，mdBook 每次用 innerText 写入
document.querySelectorAll('#mdbook-searchresults-header, .tooltiptext').forEach(element => {
    Object.defineProperty(element, 'innerText', {
        set: text => {
            element.textContent = chinese[text] || text.replace(/^No search results for '(.*)'\.$/, '没有找到“$1”。')
                .replace(/^30 search/, '前 30 search').replace(/^(.+) search results? for '(.*)':$/, '“$2”：$1 处');
        },
    });
});
// 地址中的 ?search=：索引可能比本文件先到，已经按原来的办法搜索过；同样的词 mdBook 不搜第二次，所以先换一个
if (searchbar.value) {
    const query = searchbar.value;
    for (searchbar.value of ['……', query]) refresh();
}

// 3. 源文件。浏览器常常下载而不显示 .rs，所以 just book 把它们另存了一份 .rs.txt
for (const link of document.links) {
    if (link.host === location.host && /\.(rs|toml|yml)$/.test(link.pathname)) link.pathname += '.txt';
}

// 4. 打印时展开测验的答案
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(quiz => { quiz.open = true; }));
