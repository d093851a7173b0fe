import { callFromPage } from './calls.js';

self.onmessage = ({ data }) => {
  callFromPage(data).then(
    (seen) => self.postMessage(seen),
    (error) => self.postMessage({ error: String(error) }),
  );
};
