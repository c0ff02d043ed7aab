-- Shows what loginloop says of a capture as fields and columns, from the table that `loginloop annotate` writes beside it.
--
--   tshark -r told.pcapng -X lua_script:loginloop.lua -X lua_script1:told.pcapng.loginloop.tsv -Y loginloop.finding
--
-- In Wireshark: put this file into the folder of personal Lua plugins, and name the table in the preferences of the protocol
-- "loginloop" (or in the environment variable LOGINLOOP_TABLE).

local loginloop = Proto("loginloop", "loginloop")

local fields = {
    device = ProtoField.string("loginloop.device", "Device"),
    attempt = ProtoField.uint32("loginloop.attempt", "Attempt"),
    stage = ProtoField.string("loginloop.stage", "Stage"),
    finding = ProtoField.string("loginloop.finding", "Finding"),
    drop = ProtoField.bool("loginloop.drop", "The attempt ended here"),
    text = ProtoField.string("loginloop.text", "What happened"),
}
loginloop.fields = { fields.device, fields.attempt, fields.stage, fields.finding, fields.drop, fields.text }
loginloop.prefs.table = Pref.string("Table", "", "The file that `loginloop annotate` wrote beside the capture")

local sources = { Field.new("eth.src"), Field.new("eth.dst"), Field.new("ip.src"), Field.new("ip.dst"),
    Field.new("ipv6.src"), Field.new("ipv6.dst") }

-- frame -> list of rows; and the attempts, which are ranges of frames of one device.
local rows, attempts, loaded = {}, {}, nil
local argument = ...

local function split(line)
    local cells = {}
    for cell in (line .. "\t"):gmatch("(.-)\t") do
        cells[#cells + 1] = cell
    end
    return cells
end

local function load_table(path)
    rows, attempts, loaded = {}, {}, path
    local file = io.open(path, "r")
    if not file then
        return
    end
    for line in file:lines() do
        local cell = split(line)
        if line:sub(1, 1) ~= "#" and #cell == 8 then
            local row = { kind = cell[1], device = cell[4], attempt = tonumber(cell[5]), stage = cell[6], finding = cell[7], text = cell[8] }
            local first, last = tonumber(cell[2]), tonumber(cell[3])
            if row.kind == "attempt" then
                local addresses = { [row.device] = true }
                for address in row.text:gmatch("%S+") do
                    addresses[address] = true
                end
                attempts[#attempts + 1] = { first = first, last = last, row = row, addresses = addresses }
            elseif first then
                rows[first] = rows[first] or {}
                table.insert(rows[first], row)
            end
        end
    end
    file:close()
end

-- The preference wins over the environment, and that over the command line.
local function wanted()
    if loginloop.prefs.table ~= "" then
        return loginloop.prefs.table
    end
    return os.getenv("LOGINLOOP_TABLE") or argument
end

function loginloop.init()
    local path = wanted()
    if path and path ~= loaded then
        load_table(path)
    end
end

-- The attempt to which a frame of the device belongs.
local function attempt_of(number)
    for _, attempt in ipairs(attempts) do
        if number >= attempt.first and number <= attempt.last then
            for _, source in ipairs(sources) do
                for _, info in ipairs({ source() }) do
                    if attempt.addresses[tostring(info.value)] then
                        return attempt.row
                    end
                end
            end
        end
    end
end

function loginloop.dissector(_, pinfo, tree)
    local told, attempt = rows[pinfo.number], attempt_of(pinfo.number)
    if not told and not attempt then
        return
    end
    local branch = tree:add(loginloop, "loginloop")
    local seen = {}
    local function add(field, value)
        local key = tostring(field) .. "\t" .. tostring(value)
        if value and value ~= "" and not seen[key] then
            seen[key] = true
            branch:add(field, value):set_generated()
        end
    end
    for _, row in ipairs(told or { attempt }) do
        add(fields.device, row.device)
        add(fields.attempt, row.attempt or (attempt and attempt.attempt))
        add(fields.stage, row.stage)
        add(fields.finding, row.finding)
        if row.kind == "drop" then
            add(fields.drop, true)
        end
        if row.kind ~= "attempt" then
            add(fields.text, row.text)
        end
    end
end

register_postdissector(loginloop)
