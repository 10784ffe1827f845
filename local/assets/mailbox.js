// Gives each mail the height that it needs, and shows new mails without a reload.
const fit = (frame) => {
  const size = () => {
    const page = frame.contentDocument?.documentElement;
    if (page) frame.style.height = `${page.scrollHeight + 2}px`;
  };
  frame.addEventListener("load", size);
  size();
};
const fitAll = () => document.querySelectorAll("iframe").forEach(fit);

const refresh = async () => {
  const main = document.querySelector("main");
  if (document.hidden) return;
  const answer = await fetch("/mailbox/newest");
  if (!answer.ok || (await answer.text()) === main.dataset.newest) return;
  const page = await (await fetch("/mailbox")).text();
  main.replaceWith(new DOMParser().parseFromString(page, "text/html").querySelector("main"));
  fitAll();
};

fitAll();
// Failed requests are ignored, so the page goes on after a restart of the server.
setInterval(() => refresh().catch(() => {}), 1000);
