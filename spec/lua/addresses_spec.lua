local netmail = require "netmail"
local mail = require "spec.support.mail"

local raises = mail.raises

local function list_of(...)
  return netmail.MailMessage { To = { ... } }.To
end

local function specs(list)
  local out = {}
  for i = 1, #list do out[i] = list[i].Address end
  return table.concat(out, " ")
end

describe("an address collection", function()
  local a, b, c

  before_each(function()
    a = netmail.MailAddress.Create("a@x.org")
    b = netmail.MailAddress.Create("Боб <b@x.org>")
    c = netmail.MailAddress.Create("c@x.org")
  end)

  it("starts empty", function()
    local list = netmail.MailMessage {}.To
    assert.equal(0, list.Count)
    assert.equal(0, #list)
    assert.is_nil(list[1])
    assert.equal("", list:ToString())
    assert.equal("", tostring(list))
    for _ in list:Iter() do error "not empty" end
  end)

  it("counts from 0 in Item, Insert, RemoveAt and IndexOf as Fore does, from 1 as Lua does elsewhere", function()
    local list = list_of(a, b, c)
    assert.equal(3, list.Count)
    assert.equal(3, #list)
    for i = 0, 2 do
      assert.equal(list[i + 1], list:Item(i))
      assert.equal(i, list:IndexOf(list[i + 1]))
    end
    list:Insert(0, "z@x.org")
    assert.equal("z@x.org a@x.org b@x.org c@x.org", specs(list))
    list:Insert(4, "y@x.org")
    list:Insert(2, "m@x.org")
    assert.equal("z@x.org a@x.org m@x.org b@x.org c@x.org y@x.org", specs(list))
    list:RemoveAt(0)
    list:RemoveAt(4)
    list:RemoveAt(1)
    assert.equal("a@x.org b@x.org c@x.org", specs(list))
    local seen = {}
    for i, address in list:Iter() do seen[i] = address end
    assert.equal(3, #seen)
    assert.equal(b, seen[2])
  end)

  it("raises for an index out of range, and changes nothing", function()
    local list = list_of(a, b)
    for _, i in ipairs { -1, 2, 3, 1e9, -1e9 } do
      raises("Item: index", function() local _ = list:Item(i) end)
      raises("RemoveAt: index", function() list:RemoveAt(i) end)
    end
    for _, i in ipairs { -1, 3 } do raises("Insert: index", function() list:Insert(i, c) end) end
    raises("indices count from 0 and the last is 1", function() list:RemoveAt(2) end)
    raises("the collection is empty", function() netmail.MailMessage {}.To:RemoveAt(0) end)
    for _, i in ipairs { 0.5, 1e300, -1e300, 0 / 0, 1 / 0, -1 / 0 } do
      raises("bad value for 'index'", function() local _ = list:Item(i) end)
      raises("bad value for 'index'", function() list:RemoveAt(i) end)
      raises("bad value for 'index'", function() list:Insert(i, c) end)
    end
    for _, i in ipairs { "0", {}, true } do
      raises("bad value for 'index' (number expected", function() local _ = list:Item(i) end)
    end
    raises("(number expected, got nothing)", function() list:RemoveAt() end)
    assert.equal("a@x.org b@x.org", specs(list))
    assert.equal(b, list:Item(1.0))
  end)

  it("gives nil beyond its ends by [n]", function()
    local list = list_of(a, b)
    for _, n in ipairs { 0, -1, 3, 1.5, 1e300, -1e300, 1 / 0, 0 / 0, 2 ^ 53 } do assert.is_nil(list[n]) end
    raises("MailAddressCollection has no member with a number as its name", function() list[1] = a end)
  end)

  it("keeps the objects themselves", function()
    local list = netmail.MailMessage {}.To
    list:Add(b)
    assert.is_true(rawequal(b, list[1]))
    assert.is_true(rawequal(b, list:Item(0)))
    list:Insert(0, c)
    assert.is_true(rawequal(c, list[1]))
    for i, address in list:Iter() do assert.is_true(rawequal(i == 1 and c or b, address)) end
    list:Add(b)
    assert.equal(3, #list)
    assert.equal(1, list:IndexOf(b))
  end)

  it("takes text, one address or several, and gives itself back", function()
    local list = netmail.MailMessage {}.CC
    assert.equal(list, list:AddString("user1@mail.ru"))
    assert.equal(list, list:AddString('Д. <d@x.org>,"e, f" <e@x.org> , g@x.org'))
    assert.equal(list, list:Add("h@x.org, i@x.org"))
    assert.equal(list, list:Insert(0, "j@x.org, k@x.org"))
    assert.equal("j@x.org k@x.org user1@mail.ru d@x.org e@x.org g@x.org h@x.org i@x.org", specs(list))
    assert.equal("e, f", list[5].DisplayName)
  end)

  it("adds all of a text or nothing", function()
    local list = list_of(a)
    for _, text in ipairs { "b@x.org, bad", "b@x.org,", ",b@x.org", "b@x.org,,c@x.org", "", "b@x.org; c@x.org", "b@x.org c@x.org",
      "b@x.org,\0c@x.org", "b@x.org\r\n, c@x.org", "g: b@x.org, c@x.org", "g: b@x.org; c@x.org",
      "g: b@x.org,;", "g (x): b@x.org;", "g: h: b@x.org;;", ":;" } do
      raises("", function() list:AddString(text) end)
      raises("", function() list:Add(text) end)
      raises("", function() list:Insert(0, text) end)
      assert.equal("a@x.org", specs(list))
    end
    raises('address 2 of the list, "bad", is refused', function() list:AddString("b@x.org, bad") end)
    raises("extra comma", function() list:AddString("b@x.org,,c@x.org") end)
  end)

  it("takes a group as its members", function()
    local list = list_of(a)
    list:AddString("Team: b@x.org, \"C, D\" <c@x.org>;, d@x.org")
    list:Add("Undisclosed recipients:;")
    assert.equal("a@x.org b@x.org c@x.org d@x.org", specs(list))
    assert.equal("C, D", list[3].DisplayName)
    local message = netmail.MailMessage { To = "Друзья: b@x.org, c@x.org;", CC = "nobody:;" }
    assert.equal("b@x.org c@x.org", specs(message.To))
    assert.equal(0, message.CC.Count)
  end)

  it("raises for values that are no address", function()
    local list = netmail.MailMessage {}.To
    for _, value in ipairs { 5, true, {}, { "a@x.org" }, netmail.MailMessage {}, list, print } do
      raises("MailAddress or string", function() list:Add(value) end)
      raises("MailAddress or string", function() list:Insert(0, value) end)
      raises("MailAddress or string", function() local _ = list:IndexOf(value) end)
      raises("MailAddress or string", function() local _ = list:Contains(value) end)
      raises("MailAddress or string", function() local _ = list:Remove(value) end)
      raises("bad value for 'Text' (string expected", function() list:AddString(value) end)
    end
    raises("got nothing", function() list:Add() end)
    raises("got nothing", function() list:Insert(0) end)
    raises("bad value for 'Text' (string expected, got netmail.MailAddress)", function() list:AddString(a) end)
    assert.equal(0, #list)
  end)

  it("finds and removes by value: local part exact, domain without case, name of no account", function()
    local list = list_of("Ab@X.Org", b, "ab@x.org", "Ab@x.org")
    assert.equal(0, list:IndexOf("Ab@x.oRG"))
    assert.equal(2, list:IndexOf("ab@X.org"))
    assert.equal(1, list:IndexOf("Somebody <b@x.org>"))
    assert.equal(1, list:IndexOf(netmail.MailAddress.Create("b@x.org")))
    assert.equal(-1, list:IndexOf("B@x.org"))
    assert.equal(-1, list:IndexOf("no address"))
    assert.is_true(list:Contains('"b"@x.org'))
    assert.is_false(list:Contains("c@x.org"))
    assert.is_false(list:Contains(""))
    assert.is_false(list:Remove("c@x.org"))
    assert.is_true(list:Remove("Ab@x.org"))
    assert.equal("b@x.org ab@x.org Ab@x.org", specs(list))
    assert.is_true(list:Remove(b))
    assert.is_false(list:Remove(b))
    assert.equal("ab@x.org Ab@x.org", specs(list))
  end)

  it("clears", function()
    local list = list_of(a, b)
    list:Clear()
    assert.equal(0, list.Count)
    list:Clear()
    list:Add(a)
    assert.equal("a@x.org", specs(list))
  end)

  it("is printed as Fore prints it", function()
    local list = list_of(a, b, [["q \"x\" \\" <q@x.org>]], '"a b"@x.org')
    local expected = [[a@x.org,"Боб" <b@x.org>,"q \"x\" \\" <q@x.org>,"a b"@x.org]]
    assert.equal(expected, list:ToString())
    assert.equal(expected, tostring(list))
    local again = netmail.MailMessage { To = expected }.To
    assert.equal(expected, tostring(again))
  end)

  it("is replaced by assigning a string, an address, an array, a collection or nil", function()
    local m = netmail.MailMessage {}
    local to = m.To
    m.To = "a@x.org, B <b@y.org>"
    assert.equal("a@x.org b@y.org", specs(to))
    m.To = c
    assert.equal("c@x.org", specs(to))
    assert.is_true(rawequal(c, to[1]))
    m.To = { "a@x.org", b, "c@x.org, d@x.org" }
    assert.equal("a@x.org b@x.org c@x.org d@x.org", specs(to))
    local other = list_of(c, a)
    m.To_ = other
    assert.equal("c@x.org a@x.org", specs(to))
    assert.is_false(rawequal(other, m.To))
    other:Clear()
    assert.equal("c@x.org a@x.org", specs(to))
    m.To = m.To
    assert.equal("c@x.org a@x.org", specs(to))
    m.CC = m.To
    m.To:RemoveAt(0)
    assert.equal("c@x.org a@x.org", specs(m.CC))
    m.To = {}
    assert.equal(0, #to)
    m.To = a
    m.To = nil
    assert.equal(0, #to)
    assert.is_true(rawequal(to, m.To))
    assert.is_true(rawequal(to, m.To_))
  end)

  it("stays as it was when an assignment is refused", function()
    local m = netmail.MailMessage { To = "a@x.org" }
    for _, bad in ipairs { "x", "", { "b@x.org", "x" }, { "b@x.org", 5 }, { {} }, { "b@x.org", {} }, 5, true, print,
      netmail.MailMessage {}, m.Attachments, { Address = "b@x.org" }, { "b@x.org", Name = "x" }, { [0] = "b@x.org" },
      { [2] = "b@x.org" }, { [1.5] = "b@x.org" } } do
      raises("", function() m.To = bad end)
      raises("", function() m.Bcc = bad end)
      assert.equal("a@x.org", specs(m.To))
      assert.equal(0, #m.Bcc)
    end
    raises("MailAddressCollection takes an array", function() m.To = { Address = "b@x.org" } end)
  end)

  it("outlives its message", function()
    local function address_of_the_list()
      local list = netmail.MailMessage { To = "a@x.org, b@x.org" }.To
      collectgarbage()
      collectgarbage()
      list:Add("c@x.org")
      assert.equal("a@x.org b@x.org c@x.org", specs(list))
      return list[2]
    end
    local address = address_of_the_list()
    collectgarbage()
    collectgarbage()
    assert.equal("b@x.org", address.Address)
  end)

  it("may change while it is gone through", function()
    local list = list_of(a, b, c)
    local n = 0
    for _ in list:Iter() do
      n = n + 1
      list:Clear()
    end
    assert.equal(1, n)
    list:Add(a)
    for i in list:Iter() do
      if i < 50 then list:Add("x@x.org") end
    end
    assert.equal(50, #list)
  end)

  it("names wrong members, wrong objects and the missing colon", function()
    local m = netmail.MailMessage {}
    local list = m.To
    raises("MailAddressCollection has no property 'Size'", function() local _ = list.Size end)
    raises("did you mean 'Count'", function() local _ = list.count end)
    raises("did you mean 'AddString'", function() local _ = list.addString end)
    raises("property 'Count' of MailAddressCollection is read only", function() list.Count = 1 end)
    raises("MailAddressCollection has no property 'Add'", function() list.Add = print end)
    for _, name in ipairs { "Add", "AddString", "Insert", "Item", "IndexOf", "Contains", "Remove", "RemoveAt", "Clear", "Iter",
      "ToString" } do
      raises("MailAddressCollection." .. name .. " was called with a dot or on a wrong object", function() list[name]("a@x.org") end)
      raises("with a colon", function() list[name](m.Attachments, 0) end)
      raises("with a colon", function() list[name]() end)
    end
  end)

  it("holds many, and says when it holds too many", function()
    local m = netmail.MailMessage {}
    local list = m.To
    for _ = 1, 100000 do list:Add(a) end
    assert.equal(100000, #list)
    raises("a collection of more than 100000 elements is refused", function() list:Add(a) end)
    raises("100000", function() list:Insert(5, "x@x.org, y@x.org") end)
    raises("100000", function() list:AddString("x@x.org, y@x.org") end)
    assert.equal(100000, #list)
    list:RemoveAt(0)
    raises("100000", function() list:Insert(5, "x@x.org, y@x.org") end)
    assert.equal(99999, #list)
    assert.equal(-1, list:IndexOf("x@x.org"))
    list:Insert(5, "x@x.org")
    assert.equal(5, list:IndexOf("x@x.org"))
  end)
end)
