#include "cli/mysqlprobe/product.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

// The digits and dots that it begins with.
std::string leading_number(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && ((text[size] >= '0' && text[size] <= '9') || text[size] == '.'))
    ++size;
  while (size > 0 && text[size - 1] == '.') --size;
  return std::string(text.substr(0, size));
}

struct Mark {
  std::string_view word;
  std::string_view name;
  bool is_proxy;
};

constexpr std::array marks{Mark{"mysqlproxy", "mysqlproxy", true},
                           Mark{"proxysql", "ProxySQL", true},
                           Mark{"maxscale", "MaxScale", true},
                           Mark{"rdsproxy", "Amazon RDS Proxy", true},
                           Mark{"vitess", "Vitess", true},
                           Mark{"shardingsphere", "ShardingSphere", true},
                           Mark{"tidb", "TiDB", false},
                           Mark{"aurora", "Amazon Aurora", false},
                           Mark{"oceanbase", "OceanBase", false},
                           Mark{"polardb", "PolarDB", false},
                           Mark{"dolt", "Dolt", false},
                           Mark{"clickhouse", "ClickHouse", false},
                           Mark{"manticore", "Manticore", false},
                           Mark{"singlestore", "SingleStore", false},
                           Mark{"memsql", "SingleStore", false},
                           Mark{"starrocks", "StarRocks", false},
                           Mark{"doris", "Apache Doris", false},
                           Mark{"percona", "Percona Server", false},
                           Mark{"google", "Google Cloud SQL", false},
                           Mark{"azure", "Azure Database for MySQL", false},
                           Mark{"mariadb", "MariaDB", false}};

// Percona's versions end in a number of their own: 8.0.36-28.
bool is_percona(std::string_view version) {
  const std::size_t dash = version.find('-');
  if (dash == std::string_view::npos || dash + 1 == version.size()) return false;
  const std::string_view rest = version.substr(dash + 1);
  return rest[0] >= '0' && rest[0] <= '9';
}

int major(const Product& product) { return std::atoi(product.version.c_str()); }

// What servers of a product always offer and who stands in front of them often leaves out.
void compare_capabilities(const ServerGreeting& greeting, const Product& product, Crowd& crowd) {
  const Capabilities caps = greeting.capabilities;
  const auto lacks = [&](Capability capability) {
    if (!caps.has(capability))
      crowd.proxy_hints.push_back(fmt::format("{} {} has {}, and this does not offer it",
                                              product.name, product.version,
                                              to_string(capability)));
  };
  if (product.name == "MySQL" && major(product) >= 8) {
    lacks(Capability::deprecate_eof);
    lacks(Capability::session_track);
    lacks(Capability::optional_resultset_metadata);
    lacks(Capability::connect_attrs);
  } else if (product.name == "MariaDB" && major(product) >= 10) {
    if (caps.has(Capability::long_password))
      crowd.proxy_hints.push_back(
          "MariaDB leaves CLIENT_MYSQL (LONG_PASSWORD) clear to show its own capabilities, and "
          "this sets it");
    lacks(Capability::session_track);
    lacks(Capability::connect_attrs);
  }
}

// Connection ids of one server go up slowly. Each greeting goes to the sequence that it continues.
unsigned count_sequences(const std::vector<Seen>& seen) {
  constexpr std::uint32_t gap = 64;  // that others may have connected in between
  std::vector<std::uint32_t> last;
  for (const Seen& each : seen) {
    const std::uint32_t id = each.greeting.connection_id;
    auto best = last.end();
    for (auto it = last.begin(); it != last.end(); ++it)
      if (id > *it && id - *it <= gap && (best == last.end() || *it > *best)) best = it;
    if (best == last.end())
      last.push_back(id);
    else
      *best = id;
  }
  return static_cast<unsigned>(last.size());
}

}  // namespace

Product detect_product(std::string_view announced, Flavor flavor) {
  const std::string_view version = strip_version_prefix(announced);
  const std::string text = lower(version);
  Product product;
  product.version = leading_number(version);
  const auto* mark = std::find_if(marks.begin(), marks.end(), [&](const Mark& each) {
    return text.find(each.word) != std::string::npos;
  });
  if (mark != marks.end()) {
    product.name = mark->name;
    product.is_proxy = mark->is_proxy;
    // "5.7.25-TiDB-v6.1.0": the product's own number stands behind its name.
    if (const std::size_t at = text.find(std::string(mark->word) + "-v");
        mark->name == "TiDB" && at != std::string::npos)
      product.version = leading_number(version.substr(at + mark->word.size() + 2));
  } else if (flavor == Flavor::mariadb) {
    product.name = "MariaDB";
  } else {
    product.name = is_percona(version) ? "Percona Server" : "MySQL";
  }
  return product;
}

SaltShape look_at_salt(Bytes payload, const Salt& salt) {
  SaltShape shape;
  // protocol_version, server_version and its NUL, connection_id, part 1, 0, capabilities,
  // collation, status, capabilities; then the length.
  const auto nul = std::find(payload.begin(), payload.end(), std::uint8_t{0});
  const auto at = static_cast<std::size_t>(nul - payload.begin()) + 1 + 20;
  if (at < payload.size()) shape.announced = payload[at];
  const std::size_t part2 = at + 11;
  const std::size_t wanted =
      std::max<std::size_t>(13, shape.announced > 8 ? shape.announced - 8U : 0);
  const std::size_t came = payload.size() > part2 ? std::min(payload.size() - part2, wanted) : 0;
  shape.closing_nul = came != 0 && payload[part2 + came - 1] == 0;
  shape.size = static_cast<unsigned>(8 + came - (shape.closing_nul ? 1 : 0));
  const std::size_t used = std::min<std::size_t>(shape.size, salt.size());
  const Bytes bytes = Bytes(salt).first(used);
  const auto all = [&](auto test) { return std::all_of(bytes.begin(), bytes.end(), test); };
  shape.printable = all([](std::uint8_t c) { return c >= 0x20 && c < 0x7f; });
  shape.seven_bit = all([](std::uint8_t c) { return c != 0 && c < 0x80; });
  shape.holds_nul = !all([](std::uint8_t c) { return c != 0; });
  shape.distinct_bytes =
      static_cast<unsigned>(std::set<std::uint8_t>(bytes.begin(), bytes.end()).size());
  return shape;
}

Crowd judge(const std::vector<Seen>& seen, const std::vector<SaltShape>& shapes) {
  Crowd crowd;
  std::set<std::string> versions, plugins;
  std::set<std::uint64_t> capabilities;
  std::set<Salt> salts;
  std::set<std::uint32_t> ids;
  for (const Seen& each : seen) {
    versions.insert(each.greeting.server_version);
    plugins.insert(each.greeting.auth_plugin);
    capabilities.insert(each.greeting.capabilities.bits());
    salts.insert(each.greeting.salt);
    ids.insert(each.greeting.connection_id);
  }
  if (seen.empty()) return crowd;
  const Product product =
      detect_product(seen[0].greeting.server_version, seen[0].greeting.flavor());
  if (product.is_proxy)
    crowd.proxy_hints.push_back(fmt::format("it calls itself {}", product.name));
  if (!product.is_proxy) compare_capabilities(seen[0].greeting, product, crowd);
  if (versions.size() > 1)
    crowd.proxy_hints.push_back(fmt::format("{} different versions answer", versions.size()));
  if (capabilities.size() > 1)
    crowd.proxy_hints.push_back(
        fmt::format("{} different sets of capabilities answer", capabilities.size()));
  if (plugins.size() > 1)
    crowd.proxy_hints.push_back(fmt::format("{} different default plugins answer", plugins.size()));
  const unsigned sequences = count_sequences(seen);
  if (seen.size() > 1 && sequences > 1)
    crowd.proxy_hints.push_back(fmt::format("connection ids come from {} sequences", sequences));
  if (seen.size() > 1 && ids.size() == 1)
    crowd.proxy_hints.push_back("every connection has the same id");
  crowd.servers =
      std::max({static_cast<unsigned>(versions.size()), static_cast<unsigned>(capabilities.size()),
                ids.size() == 1 ? 1U : sequences});
  // Many short sequences are one counter that many others use, or ids at random.
  if (crowd.servers > 1 && sequences == seen.size() && seen.size() > 3 && versions.size() == 1)
    crowd.servers = 1;

  crowd.constant_salt = seen.size() > 1 && salts.size() < seen.size();
  if (crowd.constant_salt)
    crowd.salt_hints.push_back(
        "salts repeat: a login that was overheard can be played again; the answers are worth as "
        "much as the password");
  for (const SaltShape& shape : shapes) {
    if (shape.holds_nul) crowd.weak_salt = true;
    if (shape.distinct_bytes < 8) crowd.weak_salt = true;
  }
  if (!shapes.empty() && shapes[0].size < 20) {
    crowd.weak_salt = true;
    crowd.salt_hints.push_back(fmt::format("only {} bytes of salt", shapes[0].size));
  }
  if (std::any_of(shapes.begin(), shapes.end(), [](const SaltShape& s) { return s.holds_nul; }))
    crowd.salt_hints.push_back("a NUL stands in the salt: some clients take less of it then");
  if (std::any_of(shapes.begin(), shapes.end(),
                  [](const SaltShape& s) { return s.distinct_bytes < 8; }))
    crowd.salt_hints.push_back("hardly any different bytes in the salt: it is not random");
  return crowd;
}

}  // namespace mysqlprobe
