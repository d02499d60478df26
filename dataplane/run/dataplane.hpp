// The data plane as a whole: started from the configuration, with one worker thread per core, and
// spoken to through mailboxes. Starting is all or nothing, and stopping leaves nothing behind.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "dataplane/run/application.hpp"
#include "dataplane/run/mailbox.hpp"
#include "dataplane/run/port_summary.hpp"
#include "dataplane/run/snapshot.hpp"

namespace sluice::run {

class DataPlane {
 public:
  // Starts EAL, opens the ports and runs an application on every worker: the proxy's factory is in
  // proxy_application.hpp. At most once in a process, from the thread that is to be EAL's main
  // lcore; nothing may fork afterwards. Error: one sentence.
  static base::Result<std::unique_ptr<DataPlane>, std::string> start(
      const DataplaneSettings& settings, const ApplicationFactory& application);

  // Stops and removes everything.
  ~DataPlane();
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;

  // One per worker, in their order; the caller is every mailbox's control side.
  [[nodiscard]] const std::vector<Mailbox*>& mailboxes() const;
  // In the order of the settings.
  [[nodiscard]] std::vector<PortSummary> ports() const;

  // Ends sessions in order, for a second at most, and joins the workers; replies still in the
  // mailboxes are dropped. Safe to call twice.
  void stop();

 private:
  struct Parts;
  explicit DataPlane(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::run
