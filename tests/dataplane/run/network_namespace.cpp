#include "tests/dataplane/run/network_namespace.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace sluice::test {
namespace {

ifreq request_for(const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

sockaddr ipv4_address(std::uint32_t value) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(value);
  sockaddr generic{};
  std::memcpy(&generic, &address, sizeof(generic));
  return generic;
}

bool configure(int socket, const std::string& name, const base::AddressPrefix& prefix) {
  ifreq request = request_for(name);
  request.ifr_addr = ipv4_address(prefix.address.ipv4().value);
  if (::ioctl(socket, SIOCSIFADDR, &request) != 0) return false;
  request = request_for(name);
  request.ifr_netmask = ipv4_address(~std::uint32_t{0} << (32 - prefix.length));
  if (::ioctl(socket, SIOCSIFNETMASK, &request) != 0) return false;
  request = request_for(name);
  if (::ioctl(socket, SIOCGIFFLAGS, &request) != 0) return false;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ::ioctl(socket, SIOCSIFFLAGS, &request) == 0;
}

}  // namespace

bool enter_network_namespace() {
  return ::unshare(CLONE_NEWNET) == 0;
}

bool configure_interface(const std::string& name, const base::AddressPrefix& address) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  const bool configured = configure(socket, name, address);
  ::close(socket);
  return configured;
}

}  // namespace sluice::test
