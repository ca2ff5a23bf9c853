-- Posts orders that nobody has sent before: bodies are put together from parts and a
-- number, signatures were made beforehand. Arguments: folder, mark, first number, path.
local parts, signatures, first, sent, path, headers = {}, {}, 0, 0, "", {}

local function read(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

function init(args)
  local folder, mark = args[1], args[2]
  first, path = tonumber(args[3]), args[4]
  local text, from = read(folder .. "/body"), 1
  while true do
    local start, stop = text:find(mark, from, true)
    if not start then break end
    parts[#parts + 1] = text:sub(from, start - 1)
    from = stop + 1
  end
  parts[#parts + 1] = text:sub(from)
  for line in io.lines(folder .. "/headers") do
    local name, value = line:match("^(.-): (.*)$")
    headers[name] = value
  end
  for line in io.lines(folder .. "/signatures") do
    signatures[#signatures + 1] = line
  end
end

function request()
  sent = sent + 1
  if not signatures[sent] then
    -- More than was signed: seen as refused requests, so that nobody takes it for a result.
    headers["X-WC-Webhook-Signature"] = "none-left"
  else
    headers["X-WC-Webhook-Signature"] = signatures[sent]
  end
  local number = string.format("%09d", first + sent - 1)
  return wrk.format("POST", path, headers, table.concat(parts, number))
end

function done(summary, latency, requests)
  local failed = summary.errors
  io.write(string.format(
    "RESULT %d %d %d %d %d %d\n",
    summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    failed.status, failed.connect + failed.read + failed.write + failed.timeout))
end
