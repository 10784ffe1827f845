-- One request again and again, with a new name in each if the body has `@N@`. An answer that is not 200, or lacks
-- the expected text, counts as bad.
local path, body, expected = os.getenv("LOAD_PATH"), os.getenv("LOAD_BODY"), os.getenv("LOAD_EXPECTED")
local tag = os.getenv("LOAD_TAG")
local headers = { ["Content-Type"] = "application/json", ["Origin"] = os.getenv("LOAD_ORIGIN") }
headers["Authorization"] = os.getenv("LOAD_AUTHORIZATION")
headers["Cookie"] = os.getenv("LOAD_COOKIE")
local method = body and "POST" or "GET"
local is_numbered = body and string.find(body, "@N@", 1, true)
local threads = {}
number = 0

function setup(thread)
  table.insert(threads, thread)
end

function init()
  bad, sample = 0, ""
  fixed = wrk.format(method, path, headers, body)
end

function request()
  if not is_numbered then
    return fixed
  end
  number = number + 1
  return wrk.format(method, path, headers, (string.gsub(body, "@N@", tag .. "n" .. number)))
end

function response(status, _, answer)
  if status ~= 200 or not string.find(answer, expected, 1, true) then
    bad = bad + 1
    if sample == "" then
      sample = status .. " " .. string.sub(answer, 1, 300)
    end
  end
end

function done(summary, latency)
  local all, first = 0, ""
  for _, thread in ipairs(threads) do
    all = all + thread:get("bad")
    if first == "" then
      first = thread:get("sample")
    end
  end
  local errors = summary.errors
  all = all + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("RESULT %d %d %.3f %.3f %d\n", summary.requests, summary.duration,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, all))
  if first ~= "" then
    io.write("BAD " .. string.gsub(first, "\n", " ") .. "\n")
  end
end
