import { FacesPanel } from './faces_panel';
import { FiltersPanel } from './filters_panel';
import { ModelPanel } from './model_panel';
import { byId } from './page';
import { StatusStrip } from './status_strip';

const status = new StatusStrip(byId('status', HTMLElement));
new ModelPanel(status).start();
void new FacesPanel(status).start();
void new FiltersPanel(status).start();
